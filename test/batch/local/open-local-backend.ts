import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeLocalBackend } from '#batch/local/make-local-backend.ts';
import { startLocalQueue } from '#batch/local/run-queue.ts';

import { silentLog } from '../../util/silent-log.ts';

import type { BackendUnderTest } from '../contract.ts';

/** Makes a local batch system with a queue of its own. */
export async function openLocalBackend(): Promise<BackendUnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-local-'));
  const [stateDirectory, workDirectory, workerDirectory] = [
    join(root, 'state'),
    join(root, 'work'),
    join(root, 'worker'),
  ];
  for (const directory of [stateDirectory, workDirectory, workerDirectory]) await mkdir(directory);
  await writeFile(join(workerDirectory, 'cups'), '#!/bin/sh\necho cups "$@"\n', { mode: 0o755 });
  const options = {
    stateDirectory,
    spoolDirectory: join(workDirectory, 'spool'),
    slots: 4,
    log: silentLog,
    graceMs: 500,
  };
  let queue = await startLocalQueue(options);
  return {
    backend: makeLocalBackend(stateDirectory),
    workDirectory,
    workerDirectory,
    patienceMs: 10_000,
    stopStarting: async () => {
      await queue.close();
      return async () => {
        queue = await startLocalQueue(options);
      };
    },
    silence: async () => {
      await queue.close();
      await rename(join(stateDirectory, 'jobs'), join(stateDirectory, 'jobs-away'));
      await writeFile(join(stateDirectory, 'jobs'), 'not a directory');
      return async () => {
        await rm(join(stateDirectory, 'jobs'));
        await rename(join(stateDirectory, 'jobs-away'), join(stateDirectory, 'jobs'));
        queue = await startLocalQueue(options);
      };
    },
    close: async () => {
      await queue.close();
      await rm(root, { recursive: true });
    },
  };
}
