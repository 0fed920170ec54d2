import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { ChildProcess } from 'node:child_process';

import type { Playground } from './playground.ts';

/** Random numbers that a seed repeats: from 0 up to but not including `below`. */
export type Dice = (below: number) => number;

/** Makes {@link Dice} by mulberry32. */
export function makeDice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** What is done to the site, each named as in the table of counts. */
export type Fault = 'dispatcher killed' | 'gateway killed' | 'database killed' | 'schedd killed' | 'schedd stopped';

const schedd = join(findPackageRoot(), 'test/pool/schedd.sh');

/**
 * Does one fault after the other until the time is over; which, and when, follows from the dice alone. In the end
 * everything that was stopped is up again.
 *
 * @param dispatchers those that run now
 * @returns how often each was done
 */
export async function doFaults(
  playground: Playground,
  dice: Dice,
  endsAt: number,
  dispatchers: ReadonlySet<ChildProcess>,
): Promise<Readonly<Record<Fault, number>>> {
  const counts = {
    ...{ 'dispatcher killed': 0, 'gateway killed': 0, 'database killed': 0 },
    ...{ 'schedd killed': 0, 'schedd stopped': 0 },
  };
  const all: readonly Fault[] = [
    ...Array.from({ length: 4 }, () => 'dispatcher killed' as const),
    ...(['gateway killed', 'database killed'] as const),
    ...(playground.hasOwnSchedd ? (['schedd killed', 'schedd stopped'] as const) : []),
  ];
  // Drawn like cards, so that each of them comes soon.
  let cards: Fault[] = [];
  for (;;) {
    await sleep(300 + dice(2200));
    if (performance.now() >= endsAt) return counts;
    if (cards.length === 0) cards = [...all];
    const [fault] = cards.splice(dice(cards.length), 1);
    if (fault === undefined) continue;
    const number = dice(1_000_000);
    const isDone = await doFault(playground, fault, number, dispatchers);
    await playground.log(`${fault} ${number}${isDone ? '' : ' (there was none)'}`);
    if (isDone) counts[fault] += 1;
  }
}

/** Does one fault. @returns whether there was something to do it to */
export async function doFault(
  playground: Playground,
  fault: Fault,
  number: number,
  dispatchers: ReadonlySet<ChildProcess>,
): Promise<boolean> {
  const state = join(playground.directory, '.slurp-site');
  switch (fault) {
    case 'dispatcher killed': {
      const running = [...dispatchers];
      return running[number % Math.max(1, running.length)]?.kill('SIGKILL') ?? false;
    }
    case 'gateway killed':
      return killNumbered(join(state, 'gateway.json'), /"pid":\s*(\d+)/u);
    case 'database killed':
      return killNumbered(join(state, 'postgres', 'postmaster.pid'), /^(\d+)/u);
    case 'schedd killed':
      return (await runCommand(schedd, ['kill'])).exitCode === 0;
    case 'schedd stopped':
      await runCommand(schedd, ['stop']);
      await sleep(1000 + (number % 3000));
      return (await runCommand(schedd, ['start'])).exitCode === 0;
  }
}

/** Kills the process whose number stands in a file, if it is one of ours. */
async function killNumbered(file: string, pattern: RegExp): Promise<boolean> {
  const pid = Number(pattern.exec(await readFile(file, 'utf8').catch(() => ''))?.[1] ?? 0);
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (pid < 2 || !/slurp|postgres/u.test(commandLine)) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}
