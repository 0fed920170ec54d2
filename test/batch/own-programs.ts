import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { kindOf, readSpool } from '#job/spool/read-spool.ts';
import { waitUntil } from '#util/wait-until.ts';

import { makeWorkerDirectory } from '../job/worker-directory.ts';
import { eachOf, valueOf } from './contract.ts';

import type { BatchJobReport } from '#batch/backend.ts';

import type { BackendUnderTest } from './contract.ts';

/** How one job with a program of its rule's own is submitted. */
export interface OwnProgram {
  /** The script, behind its first line. */
  readonly text: string;
  readonly isSupervised: boolean;
  /** Of the script's file; 0644 by default. */
  readonly mode?: number;
  readonly name?: string;
  readonly arguments?: string;
  readonly commands?: Readonly<Record<string, string>>;
}

/** A batch system whose jobs find no gateway, so that all their reports have to come home. */
export interface OwnPrograms {
  readonly under: BackendUnderTest;
  /** A fresh directory that jobs may write to. */
  freshDirectory(): Promise<string>;
  /** @returns the uuid of the submission, and the number of its only attempt */
  submit(program: OwnProgram): Promise<{ readonly uuid: string; readonly cupsid: number }>;
  /** Waits until the only job of a submission has left the queue. */
  untilEnded(uuid: string): Promise<BatchJobReport>;
  untilState(uuid: string, state: BatchJobReport['state']): Promise<void>;
  untilThere(path: string): Promise<void>;
  /** What the spools say that came home for an attempt: the kinds of their reports, by start. */
  broughtHome(cupsid: number): Promise<readonly string[]>;
}

let lastCupsid = 7000;

async function openOwnPrograms(under: BackendUnderTest): Promise<OwnPrograms> {
  const { backend, workDirectory, patienceMs } = under;
  const workerDirectory = await makeWorkerDirectory(join(workDirectory, 'own-worker'));
  const spoolDirectory = join(workDirectory, 'spool');
  await mkdir(spoolDirectory, { recursive: true });
  const freshDirectory = async (): Promise<string> => {
    const directory = join(workDirectory, randomUUID());
    await mkdir(directory, { mode: 0o777 });
    return directory;
  };
  const wait = async (action: () => Promise<true | undefined>): Promise<void> => {
    expect(await waitUntil(action, { timeoutMs: patienceMs, everyMs: 50 })).toBe(true);
  };
  return {
    under,
    freshDirectory,
    submit: async ({ text, isSupervised, mode = 0o644, name = 'run.sh', commands = {}, arguments: words = '' }) => {
      const uuid = randomUUID();
      lastCupsid += 1;
      const cupsid = lastCupsid;
      const directory = join(workDirectory, 'submissions', uuid);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(join(directory, 'slurp-token'), 'abc\n', { mode: 0o600 });
      // No process listens on port 9.
      const job = { submission: uuid, gateway: 'http://127.0.0.1:9', spoolDirectory, reportTimeoutMs: 200 };
      await writeFile(join(directory, 'slurp-job.json'), JSON.stringify({ ...job, inputsTimeoutMs: 200 }));
      const executable = join(await freshDirectory(), name);
      await writeFile(executable, `#!/bin/bash\n${text}`, { mode });
      const outcome = await backend.submit(
        {
          ...{ uuid, count: 1, directory, batchName: 'own', workerDirectory, submitDirectory: workDirectory },
          ...{ isSupervised, spoolDirectory, environment: { SLURP_NODE: process.execPath } },
        },
        eachOf([{ process: 0, cupsid, dstfile: `DST-${cupsid}`, executable, arguments: words, commands }]),
      );
      expect(outcome).toMatchObject({ kind: 'accepted' });
      return { uuid, cupsid };
    },
    untilEnded: async (uuid) => {
      const report = await waitUntil(async () => valueOf(await backend.queryHistory([uuid]))[0], {
        timeoutMs: patienceMs,
        everyMs: 50,
      });
      if (report === undefined) throw new Error(`The job of '${uuid}' does not end`);
      return report;
    },
    untilState: (uuid, state) =>
      wait(async () => (valueOf(await backend.queryQueue([uuid]))[0]?.state === state ? true : undefined)),
    untilThere: (path) =>
      wait(async () =>
        readFile(path).then(
          () => true,
          () => undefined,
        ),
      ),
    broughtHome: async (cupsid) => {
      const names = (await readdir(spoolDirectory)).filter((file) => file.startsWith(`spool-${cupsid}-`)).toSorted();
      return names.flatMap((file) => readSpool(join(spoolDirectory, file)).records.map((one) => kindOf(one) ?? ''));
    },
  };
}

const running = './cups.py -r 1 -s 1 -d D running\n';

/** What holds on every batch system for jobs that run a program of their rule's own. */
export function describeOwnPrograms(
  name: string,
  open: () => Promise<BackendUnderTest>,
  more?: (programs: () => OwnPrograms) => void,
): void {
  describe(`programs of a rule's own on '${name}'`, () => {
    let programs: OwnPrograms;
    beforeAll(async () => {
      programs = await openOwnPrograms(await open());
    }, 60_000);
    afterAll(() => programs.under.close());

    test('a program has the same arguments, directory and environment with the launcher as without (C-L1, C-L2)', async () => {
      const look = async (isSupervised: boolean): Promise<readonly string[]> => {
        const directory = await programs.freshDirectory();
        const text = `{ printf '%s|' "$#" "$@"; echo "\${0##*/}"; [ "$PWD" = "$_CONDOR_SCRATCH_DIR" ] && echo scratch; [ -x "$0" ] && echo x
          tr '\\0' '\\n' < /proc/$$/environ | sort; } > ${directory}/seen.new; mv ${directory}/seen.new ${directory}/seen\n`;
        const environment = `"PLAIN=x SPACED='a ''b'' ""c""' LATE=$$ TAB='a\tb'"`;
        const words = ["it's", '"quoted"', '$HOME', '*', 'back\\slash', 'a;b&c', 'größer', 'a,b', '--x=y', '{x}'];
        const { uuid } = await programs.submit({
          ...{ text, isSupervised, commands: { environment } },
          arguments: words.join(' '),
        });
        await programs.untilEnded(uuid);
        return (await readFile(join(directory, 'seen'), 'utf8'))
          .split('\n')
          .filter((line) => !/^(?:SLURP_|_CONDOR_ANCESTOR|_CONDOR_SLOT|cupsid=)/u.test(line))
          .map((line) => line.replaceAll(/dir_\d+/gu, 'dir').replaceAll(/[\da-f]{8}-[^/]*\/run\/0\.0/gu, 'run'));
      };
      const [without, withLauncher] = [await look(false), await look(true)];
      expect(withLauncher).toEqual(without);
      expect(without.slice(0, 3)).toEqual([
        `10|it's|"quoted"|$HOME|*|back\\slash|a;b&c|größer|a,b|--x=y|{x}|run.sh`,
        'scratch',
        'x',
      ]);
    });

    test.each([true, false])(
      'a program that is not executable, and has a name of ours, runs (supervised: %s) (C-L3)',
      async (isSupervised) => {
        for (const own of ['cups.py', 'wrapper.sh', 'slurp-launch.sh']) {
          const directory = await programs.freshDirectory();
          const text = `echo ran > ${directory}/ran\n`;
          const { uuid } = await programs.submit({ text, isSupervised, name: own });
          expect(await programs.untilEnded(uuid)).toMatchObject({ state: 'completed', exitCode: 0 });
          expect(await readFile(join(directory, 'ran'), 'utf8')).toBe('ran\n');
        }
      },
    );

    test.each([true, false])(
      'a program is started in its place where the rule says so (supervised: %s) (C-L3)',
      async (isSupervised) => {
        const directory = await programs.freshDirectory();
        const commands = { transfer_executable: 'False' };
        const text = `echo "$0" > ${directory}/started\n`;
        const { uuid } = await programs.submit({ text, isSupervised, mode: 0o755, commands });
        await programs.untilEnded(uuid);
        expect(await readFile(join(directory, 'started'), 'utf8')).toMatch(/\/work\/[^/]+\/run\.sh\n$/u);
      },
    );

    test.each([true, false])(
      'the reports of a job come home at its end (supervised: %s) (C-L5)',
      async (isSupervised) => {
        const { uuid, cupsid } = await programs.submit({ text: `${running}exit 3\n`, isSupervised });
        expect(await programs.untilEnded(uuid)).toMatchObject({ exitCode: 3 });
        expect(await programs.broughtHome(cupsid)).toEqual(
          isSupervised ? ['started', 'running', 'exited'] : ['running'],
        );
      },
    );

    test.each([true, false])(
      '… and when it is killed with all that watches over it (supervised: %s)',
      async (isSupervised) => {
        const text = `${running}kill -KILL $SLURP_WRAPPER_PROCESS $$\n`;
        const { uuid, cupsid } = await programs.submit({ text, isSupervised });
        expect(await programs.untilEnded(uuid)).toMatchObject({ state: 'completed' });
        expect(await programs.broughtHome(cupsid)).toEqual(isSupervised ? ['started', 'running'] : ['running']);
      },
    );

    test.each([true, false])('… and when it is put on hold or removed (supervised: %s)', async (isSupervised) => {
      for (const action of ['hold', 'remove'] as const) {
        const directory = await programs.freshDirectory();
        const text = `${running}touch ${directory}/begun\nsleep 60\n`;
        const { uuid, cupsid } = await programs.submit({ text, isSupervised });
        await programs.untilThere(join(directory, 'begun'));
        await programs.under.backend[action]({ uuid }, 'test');
        if (action === 'hold') await programs.untilState(uuid, 'held');
        else await programs.untilEnded(uuid);
        // A batch system says that a job is held before it has ended it; and one in a hurry does not leave the job the
        // time to say that it was stopped.
        const expected = isSupervised ? ['started', 'running'] : ['running'];
        let home: readonly string[] = [];
        await waitUntil(
          async () => {
            home = (await programs.broughtHome(cupsid)).filter((kind) => kind !== 'evicted');
            return home.length >= expected.length ? true : undefined;
          },
          { timeoutMs: programs.under.patienceMs, everyMs: 50 },
        );
        expect(home).toEqual(expected);
        await programs.under.backend.remove({ uuid }, 'seen');
      }
    });

    more?.(() => programs);
  });
}
