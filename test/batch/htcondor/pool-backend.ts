import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { runCommand } from '#util/run-command.ts';

import type { BackendUnderTest } from '../contract.ts';

/** The programs that stand between us and a broken world. */
const faultDirectory = join(import.meta.dirname, '../../faults/bin');

/** HTCondor as a backend under test, and what the fault tests need beside. */
export interface PoolBackend extends BackendUnderTest {
  /** Lets the condor commands fail as `test/faults/fault.sh` says, while `action` runs. */
  withFaults<T>(faults: string, action: () => Promise<T>): Promise<T>;
}

/** Makes a backend on the pool whose commands are on the PATH; its jobs are distinguished from those of others by a mark. */
export async function openPoolBackend(options: { readonly commandTimeoutMs?: number } = {}): Promise<PoolBackend> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-htcondor-'));
  const [workDirectory, workerDirectory] = [join(root, 'work'), join(root, 'worker')];
  for (const directory of [workDirectory, workerDirectory]) await mkdir(directory);
  await writeFile(join(workerDirectory, 'cups'), '#!/bin/sh\necho cups "$@"\n', { mode: 0o755 });
  const mark = randomUUID();
  const commands: Record<string, string> = {
    '+SlurpTestRun': `"${mark}"`,
    requirements: 'true',
    request_memory: '20',
    request_disk: '1000',
  };
  const site = { commands, maxJobsPerSubmission: 20_000, schedds: [], commandTimeoutMs: 60_000, ...options };
  const ofThisRun = ['-constraint', `SlurpTestRun == "${mark}"`];
  const withFaults = async <T>(faults: string, action: () => Promise<T>): Promise<T> => {
    const { PATH } = process.env;
    process.env['PATH'] = `${faultDirectory}:${PATH}`;
    process.env['SLURP_FAULT'] = faults;
    try {
      return await action();
    } finally {
      process.env['PATH'] = PATH;
      delete process.env['SLURP_FAULT'];
    }
  };
  return {
    backend: makeHtcondorBackend(site),
    workDirectory,
    workerDirectory,
    patienceMs: 60_000,
    withFaults,
    stopStarting: async () => {
      commands['requirements'] = 'false';
      return async () => {
        commands['requirements'] = 'true';
        await runCommand('condor_qedit', [...ofThisRun, 'Requirements', 'true']);
      };
    },
    silence: async () => {
      const { PATH } = process.env;
      process.env['PATH'] = `${faultDirectory}:${PATH}`;
      process.env['SLURP_FAULT'] = ['q', 'history', 'rm', 'submit'].map((name) => `condor_${name}=away`).join(' ');
      return async () => {
        process.env['PATH'] = PATH;
        delete process.env['SLURP_FAULT'];
      };
    },
    close: async () => {
      await runCommand('condor_rm', ofThisRun);
      await rm(root, { recursive: true });
    },
  };
}
