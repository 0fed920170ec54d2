import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { chmod, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { claimSocketLock } from '#util/process/socket-lock.ts';
import { startRepeating } from '#util/start-repeating.ts';
import { waitUntil } from '#util/wait-until.ts';

import { jobFilesOf } from './job-files.ts';
import { jobOf } from './journal.ts';
import { launcherScript } from './launcher.ts';
import { removeOldHistory } from './remove-old-history.ts';
import { closeSubmissions, openSubmissions, readRequests, startIdleJobs, watchRuns } from './tend-jobs.ts';

import type { Log } from '#model/log.ts';
import type { SocketLock } from '#util/process/socket-lock.ts';
import type { Repetition } from '#util/start-repeating.ts';

import type { JobFiles } from './job-files.ts';
import type { RunnerState } from './tend-jobs.ts';

/** What the runner of the local batch system needs. */
export interface LocalQueueOptions {
  readonly stateDirectory: string;
  /** Where reports of jobs that were killed are brought. */
  readonly spoolDirectory: string;
  /** Jobs at once. */
  readonly slots: number;
  readonly log: Log;
  /** How long a job that is held or removed may take to end by itself; 20 s by default. */
  readonly graceMs?: number;
  /** Time between two looks when nothing wakes the runner; 1 s by default. */
  readonly everyMs?: number;
  /** How long a submission is remembered when its jobs have all ended; 30 days by default. */
  readonly historyMs?: number;
}

/** How many jobs there are, over all submissions that have not ended. */
export interface LocalQueueStatus {
  readonly slots: number;
  readonly running: number;
  readonly idle: number;
  readonly held: number;
}

/** The runner of the local batch system; there is one for a state directory at most. */
export interface LocalQueue {
  status(): LocalQueueStatus;
  /** How often a job ended, was put on hold or removed since the start: if it has grown, there is something to reconcile. */
  endings(): number;
  /** Starts no further jobs, and waits until none runs. */
  drain(): Promise<void>;
  /** Stops looking. Running jobs go on, and the next runner finds them. */
  close(): Promise<void>;
}

/**
 * Starts the runner of the local batch system in this process: takes jobs in order, runs as many at once as there are
 * slots, and watches them to their end. Jobs that an earlier runner left running are adopted.
 *
 * @throws SiteError if another runner looks after the same state directory
 */
export async function startLocalQueue(options: LocalQueueOptions): Promise<LocalQueue> {
  const files = jobFilesOf(options.stateDirectory);
  await createDirectory(files.clusters, 0o700);
  const lock = await claimLock(files);
  await putLauncher(files);
  await removeOldDrafts(files);

  let isClosed = false;
  let isPoked = false;
  let wakeUp: (() => void) | undefined;
  const state: RunnerState = {
    files,
    spoolDirectory: options.spoolDirectory,
    slots: options.slots,
    graceMs: options.graceMs ?? 20_000,
    log: options.log,
    active: new Map(),
    ended: new Set(),
    watched: new Map(),
    idleFrom: new Map(),
    actions: new Set(),
    isDraining: false,
    endings: 0,
    poke: () => {
      isPoked = true;
      wakeUp?.();
    },
  };
  const watcher = watch(files.directory, { persistent: false }, () => state.poke());
  watcher.on('error', (error) => options.log.warn({ error }, 'cannot watch the jobs directory; polling it instead'));

  const run = async (): Promise<void> => {
    while (!isClosed) {
      isPoked = false;
      try {
        await runStep(state);
      } catch (error) {
        options.log.error({ error }, 'local queue pass failed; retrying');
      }
      if (isPoked || isClosed) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.everyMs ?? 1000);
        wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = run();
  const pruning = startPruning(state, options.historyMs ?? defaultHistoryMs);

  return {
    status: () => statusOf(state),
    endings: () => state.endings,
    drain: async () => {
      state.isDraining = true;
      while (state.watched.size > 0) {
        await waitUntil(() => (state.watched.size === 0 ? true : undefined), { timeoutMs: 60_000, everyMs: 50 });
      }
    },
    close: async () => {
      isClosed = true;
      state.isDraining = true;
      watcher.close();
      state.poke();
      await Promise.all([running, pruning.stop()]);
      await Promise.all(state.actions);
      await lock.release();
    },
  };
}

const hourMs = 3600 * 1000;
const defaultHistoryMs = 30 * 24 * hourMs;

function startPruning(state: RunnerState, historyMs: number): Repetition {
  return startRepeating(async () => {
    try {
      const gone = await removeOldHistory(state.files, Date.now() - historyMs);
      for (const uuid of gone) state.ended.delete(uuid);
      if (gone.length > 0) state.log.info({ submissions: gone.length }, 'ended long ago: removed');
    } catch (error) {
      state.log.warn({ error }, 'what ended long ago cannot be removed now');
    }
    return hourMs;
  });
}

async function runStep(state: RunnerState): Promise<void> {
  await openSubmissions(state);
  await readRequests(state);
  await watchRuns(state);
  await startIdleJobs(state);
  await closeSubmissions(state);
}

function statusOf(state: RunnerState): LocalQueueStatus {
  const counts = { idle: 0, running: 0, held: 0 };
  for (const { stored, jobs } of state.active.values()) {
    counts.idle += stored.count - jobs.jobs.size;
    for (const process of jobs.jobs.keys()) {
      const { state: word } = jobOf(jobs, process);
      if (word === 'idle' || word === 'running' || word === 'held') counts[word] += 1;
    }
  }
  return { slots: state.slots, ...counts };
}

async function claimLock(files: JobFiles): Promise<SocketLock> {
  const name = createHash('sha256')
    .update(await realpath(files.directory))
    .digest('hex')
    .slice(0, 32);
  const lock = await claimSocketLock(`slurp-jobs-${name}`, () => String(process.pid));
  if (lock !== undefined) return lock;
  throw new SiteError(`Another process runs the jobs of '${files.directory}' already`, {
    code: 'site-queue-taken',
    advice: "Check with 'slurp status', or stop it with 'slurp down'",
  });
}

async function putLauncher(files: JobFiles): Promise<void> {
  // By rename: launchers that run keep reading the file they began with.
  await writeFile(`${files.launcher}.new`, launcherScript);
  await chmod(`${files.launcher}.new`, 0o700);
  await rename(`${files.launcher}.new`, files.launcher);
}

const draftsLiveMs = 24 * 3600 * 1000;

/** Takes away what submitters left that were killed before their submission was complete. */
async function removeOldDrafts(files: JobFiles): Promise<void> {
  for (const name of await readdir(files.directory)) {
    const path = join(files.directory, name);
    if (name.startsWith('.new-') && Date.now() - (await stat(path)).mtimeMs > draftsLiveMs) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
