import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCommand } from '#util/run-command.ts';

import { makeWorkerDirectory } from './worker-directory.ts';

import type { CommandResult } from '#util/run-command.ts';

/** The token of every test job. */
export const testToken = 'ab'.repeat(32);

/** Directories of one test file, as a batch system lays them out. */
export interface JobPlace {
  readonly root: string;
  readonly worker: string;
  /** Where spools come home. */
  readonly home: string;
  /** Makes a fresh scratch directory with job file and token. */
  scratch(gateway: string, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Runs a command in a job's environment, without anything of the test's own. */
  run(
    scratch: string,
    command: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string },
  ): Promise<CommandResult>;
  remove(): Promise<void>;
}

/** Makes the directories, and commands built from the sources. */
export async function makeJobPlace(): Promise<JobPlace> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-job-'));
  const worker = await makeWorkerDirectory(join(root, 'worker'));
  const home = join(root, 'home');
  await mkdir(home);
  return {
    root,
    worker,
    home,
    scratch: async (gateway, more = {}) => {
      const scratch = await mkdtemp(join(root, 'scratch-'));
      const job = {
        submission: '11111111-2222-3333-4444-555555555555',
        gateway,
        spoolDirectory: home,
        reportTimeoutMs: 2000,
        inputsTimeoutMs: 5000,
        mode: 'production',
        ...more,
      };
      await writeFile(join(scratch, 'slurp-job.json'), JSON.stringify(job));
      await writeFile(join(scratch, 'slurp-token'), `${testToken}\n`, { mode: 0o600 });
      return scratch;
    },
    run: (scratch, [file = '', ...args], { env = {}, cwd = scratch } = {}) =>
      runCommand(file, args, { cwd, env: environmentOf(scratch, worker, env), timeoutMs: 25_000 }),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** The environment of a test job. */
export function environmentOf(
  scratch: string,
  worker: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    PATH: `${scratch}:${worker}:/usr/local/bin:/usr/bin:/bin`,
    HOME: '/',
    SLURP_NODE: process.execPath,
    SLURP_JOB_DIRECTORY: scratch,
    SLURP_START: '0',
    cupsid: '7',
    ...more,
  };
}
