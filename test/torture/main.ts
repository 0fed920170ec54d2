import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeLine, writeOutput } from '#cli/output.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { renderTable } from '#cli/table.ts';
import { UsageError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import { countDamage, readTortured } from './count-damage.ts';
import { doFaults, makeDice } from './faults.ts';
import { layOutTorture, ruleNames } from './lay-out-torture.ts';
import { openPlayground } from './playground.ts';

import type { ChildProcess } from 'node:child_process';

import type { Dice } from './faults.ts';
import type { Playground } from './playground.ts';

interface TortureOptions {
  readonly seconds: string;
  readonly seed?: string;
  readonly batch: string;
  readonly scheddFaults?: true;
  readonly keep?: true;
}

const say = makeSay('torture');

/** So many dispatchers at once, each taking so few products that there is always something left to fight for. */
const dispatchersAtOnce = 3;
const productsEach = 4;

function dispatchArgs(rule: string): readonly string[] {
  return ['--config', 'torture.yaml', '--rule', rule, '--runs', '1', '999999', '--batch', '--doit'];
}

await runMain(
  'torture',
  async (context) => {
    let exitCode = 1;
    const program = makeProgram('torture', 'Kills everything at random, heals it, and counts')
      .option('--seconds <count>', 'how long things are killed', '30')
      .option('--seed <number>', 'the same schedule of faults again')
      .option('--batch <backend>', 'local or htcondor', 'local')
      .option('--schedd-faults', 'the schedd is killed and stopped too: the pool is ours alone')
      .option('--keep', 'keep the directory')
      .action(async (options: TortureOptions) => {
        exitCode = await torture(options);
      });
    await parseProgram(program, context.argv);
    return exitCode;
  },
  { graceMs: 30_000 },
);

async function torture(options: TortureOptions): Promise<number> {
  const { batch } = options;
  if (batch !== 'local' && batch !== 'htcondor') {
    throw new UsageError(`Unknown batch system '${batch}': expected 'local' or 'htcondor'`, { code: 'usage-batch' });
  }
  const seconds = Number(options.seconds);
  const seed = options.seed === undefined ? randomInt(1_000_000) : Number(options.seed);
  const products = Math.max(20, Math.round(1.2 * seconds));
  const chosen = { batch, hasOwnSchedd: options.scheddFaults === true, mark: randomUUID() } as const;
  const playground = await openPlayground(chosen, layOutTorture(chosen, products));
  let isWell = false;
  try {
    say(`${products} products on '${batch}', ${seconds} s of faults, seed ${seed}; in '${playground.directory}'`);
    await mustCall(playground, 'slurp', ['up']);
    const { faults, dispatched, killed } = await fight(playground, makeDice(seed), seconds);
    say('healing …');
    const healedMs = await heal(playground, products);
    const damage = await countDamage(playground, products);
    const attempts = await readTortured(playground);
    const facts = { dispatchers: dispatched, 'of these killed': killed, products, attempts: attempts.length };
    const rows = [
      ...Object.entries(facts),
      ...Object.entries(faults),
      ['healed in s', Math.round(healedMs / 1000)] as const,
    ];
    await writeOutput(renderTable({ head: ['what was done', 'number'], rows }));
    await writeLine();
    await writeOutput(renderTable({ head: ['what must not be', 'number'], rows: Object.entries(damage) }));
    isWell = Object.values(damage).every((count) => count === 0);
    await writeLine();
    await conclude(`torture: ${isWell ? 'all 0' : 'FAILED'}, ${seconds} s on ${batch}, seed ${seed}`);
    return isWell ? 0 : 1;
  } finally {
    await playground.call('slurp', ['down', '--wait', '10s']);
    if (batch === 'htcondor') await runCommand('condor_rm', ['-constraint', `SlurpTorture == "${playground.mark}"`]);
    if (isWell && options.keep !== true) await rm(playground.directory, { recursive: true, force: true });
    else say(`the directory stays: '${playground.directory}'; faults.log holds the schedule`);
  }
}

/** The last line, which `make test` ends with too. */
async function conclude(line: string): Promise<void> {
  await writeLine(line);
  const closing = process.env['SLURP_CLOSING_LINES'];
  if (closing !== undefined) await appendFile(closing, `${line}\n`);
}

async function mustCall(playground: Playground, name: 'kaedama' | 'slurp', args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await playground.call(name, args);
  if (exitCode === 0) return stdout;
  throw new UsageError(`'${name} ${args.join(' ')}' ended with ${exitCode}: ${stderr.trim()}`, {
    code: 'usage-torture',
  });
}

async function fight(playground: Playground, dice: Dice, seconds: number) {
  const endsAt = performance.now() + seconds * 1000;
  const running = new Set<ChildProcess>();
  const tally = { dispatched: 0, killed: 0 };
  const dispatch = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const rule = ruleNames[tally.dispatched % ruleNames.length] ?? ruleNames[0];
      const [file, ...args] = playground.argv('kaedama', [...dispatchArgs(rule), '--maxjobs', String(productsEach)]);
      const child = spawn(file, args, { cwd: playground.directory, env: playground.environment, stdio: 'ignore' });
      running.add(child);
      tally.dispatched += 1;
      await once(child, 'exit');
      running.delete(child);
      if (child.signalCode !== null) tally.killed += 1;
      await playground.log(`dispatcher ended: ${child.exitCode ?? child.signalCode ?? '?'}`);
    }
  };
  const [faults] = await Promise.all([
    doFaults(playground, dice, endsAt, running),
    ...Array.from({ length: dispatchersAtOnce }, dispatch),
  ]);
  return { faults, ...tally };
}

/** Calls what an operator would call until everything is quiet, or nothing has changed for three minutes. */
async function heal(playground: Playground, products: number): Promise<number> {
  const began = performance.now();
  let seen = '';
  let changedAt = began;
  while (performance.now() - changedAt < 180_000) {
    for (const rule of ruleNames) await playground.call('kaedama', dispatchArgs(rule));
    const reconciled = await playground.call('slurp', ['reconcile', '--json']);
    await playground.log(`reconcile ${reconciled.exitCode}: ${reconciled.stdout.trim() || reconciled.stderr.trim()}`);
    const attempts = await readTortured(playground);
    const open = attempts.filter(
      ({ status, submission_state: state }) => !['finished', 'failed'].includes(status) || state === 'reserved',
    );
    const live = attempts.filter(({ is_live: isLive, status }) => isLive && status === 'finished');
    if (open.length === 0 && live.length === products) break;
    const now = JSON.stringify(attempts);
    if (now !== seen) [seen, changedAt] = [now, performance.now()];
    await sleep(1000);
  }
  return performance.now() - began;
}
