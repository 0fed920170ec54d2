import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isUuid } from '#util/is-uuid.ts';

import { copyOutputs } from './copy-outputs.ts';
import { appendLines, isMissing, isThere, runFilesOf, submissionFilesOf } from './job-files.ts';
import { heldOnRequest, jobOf } from './journal.ts';
import { logEvent } from './log-event.ts';
import { copySpools, removeRun, removeScratch } from './remove-scratch.ts';
import { startJob } from './start-job.ts';
import { claimRun, readRunCondition, sendToGroup, stopSession } from './submission/read-run-condition.ts';
import { readItem, readJournal, readSubmission } from './submission/read-submission.ts';

import type { Log } from '#model/log.ts';

import type { JobFiles, RunFiles } from './job-files.ts';
import type { JournalEvent } from './journal.ts';
import type { JobResult } from './launcher.ts';
import type { LocalSubmission } from './submission/read-submission.ts';

/** One start of a job that the runner watches. */
interface WatchedRun {
  readonly submission: LocalSubmission;
  readonly process: number;
  readonly start: number;
  readonly run: RunFiles;
  readonly watchedSince: number;
  /** Being started or ended at this moment. */
  isBusy: boolean;
  killedAt?: number;
}

/** All that the runner knows, and its options. */
export interface RunnerState {
  readonly files: JobFiles;
  readonly spoolDirectory: string;
  readonly slots: number;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  readonly log: Log;
  /** By uuid, in the order of their clusters. */
  readonly active: Map<string, LocalSubmission>;
  readonly ended: Set<string>;
  readonly watched: Map<string, WatchedRun>;
  /** No job of that submission below that process is idle. */
  readonly idleFrom: Map<string, number>;
  /** What is under way; empty when nothing is. */
  readonly actions: Set<Promise<void>>;
  isDraining: boolean;
  /** How often a job ended, was put on hold or removed since the runner began. */
  endings: number;
  /** Makes the runner look again, soon. */
  poke(): void;
}

/** A launcher that we started has claimed its start long before this. */
const claimWithinMs = 10_000;

/** Takes new submissions in, with the jobs of theirs that an earlier runner left running. */
export async function openSubmissions(state: RunnerState): Promise<void> {
  const found: LocalSubmission[] = [];
  for (const uuid of await readdir(state.files.directory)) {
    if (!isUuid(uuid) || state.active.has(uuid) || state.ended.has(uuid)) continue;
    const directory = join(state.files.directory, uuid);
    if (await isThere(submissionFilesOf(directory).ended)) {
      state.ended.add(uuid);
      continue;
    }
    try {
      const submission = await readSubmission(directory);
      if (submission !== undefined) found.push(submission);
    } catch (error) {
      state.ended.add(uuid);
      state.log.error({ submission: uuid, error }, 'cannot read a submission; its jobs wait');
    }
  }
  found.sort((one, other) => one.stored.cluster - other.stored.cluster);
  for (const submission of found) {
    state.active.set(submission.stored.uuid, submission);
    for (const [process, job] of submission.jobs.jobs) {
      if (job.state === 'running') watch(state, submission, process, job.starts - 1, -claimWithinMs);
    }
  }
}

/** Reads what was asked of jobs since the last look. */
export async function readRequests(state: RunnerState): Promise<void> {
  for (const submission of state.active.values()) await readNewEvents(state, submission);
}

/** Looks after every job that runs: ends, vanishings, and what was asked of it. */
export async function watchRuns(state: RunnerState): Promise<void> {
  for (const watched of state.watched.values()) {
    if (watched.isBusy) continue;
    const condition = await readRunCondition(watched.run);
    if (condition.kind === 'running') {
      await stopIfAsked(state, watched, condition.pid);
    } else if (condition.kind === 'ended') {
      startAction(state, watched, () => closeRun(state, watched, condition.result));
    } else if (condition.kind === 'vanished') {
      // The launcher alone may have been killed: nothing of a job that counts as gone goes on.
      startAction(state, watched, async () => {
        await stopSession(condition.pid);
        await closeRun(state, watched, undefined);
      });
    } else if (condition.kind === 'given-up' || performance.now() - watched.watchedSince > claimWithinMs) {
      startAction(state, watched, () => recordUnstarted(state, watched, condition.kind === 'given-up'));
    }
  }
}

/** Starts waiting jobs, in order, as long as slots are free. */
export async function startIdleJobs(state: RunnerState): Promise<void> {
  for (const submission of state.active.values()) {
    const { uuid, count } = submission.stored;
    // Asked for again each time: a job that is released or given back meanwhile sets it back.
    const next = (): number => state.idleFrom.get(uuid) ?? 0;
    for (let process = next(); process < count; process = next()) {
      if (state.isDraining || state.watched.size >= state.slots) return;
      const job = jobOf(submission.jobs, process);
      if (job.state !== 'idle') {
        state.idleFrom.set(uuid, process + 1);
        continue;
      }
      const start = job.starts;
      await record(state, submission, { kind: 'starting', process, start, at: formatNow() });
      // It may have been held or removed in the meantime.
      const begun = jobOf(submission.jobs, process);
      if (begun.state !== 'running' || begun.starts !== start + 1) continue;
      const watched = watch(state, submission, process, start, performance.now());
      startAction(state, watched, () => startRun(state, watched));
    }
  }
}

/** Closes submissions whose jobs have all ended: their history stays. */
export async function closeSubmissions(state: RunnerState): Promise<void> {
  for (const [uuid, submission] of state.active) {
    if (submission.jobs.ended < submission.stored.count) continue;
    if ([...state.watched.values()].some((watched) => watched.submission === submission)) continue;
    await removeScratches(submission.files.runs);
    await rm(submission.files.items, { force: true });
    await writeFile(submission.files.ended, `${formatNow()}\n`);
    state.active.delete(uuid);
    state.idleFrom.delete(uuid);
    state.ended.add(uuid);
  }
}

async function removeScratches(runs: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(runs);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const name of names) await rm(join(runs, name, 'scratch'), { recursive: true, force: true });
}

function watch(
  state: RunnerState,
  submission: LocalSubmission,
  process: number,
  start: number,
  watchedSince: number,
): WatchedRun {
  const run = runFilesOf(submission.files, process, start);
  const watched = { submission, process, start, run, watchedSince, isBusy: false };
  state.watched.set(run.directory, watched);
  return watched;
}

/** Lets something happen to a run while the runner goes on looking after the others. */
function startAction(state: RunnerState, watched: WatchedRun, action: () => Promise<void>): void {
  watched.isBusy = true;
  const promise = action()
    .then(() => state.poke())
    .catch((error: unknown) => {
      state.log.error({ run: watched.run.directory, error }, 'a job could not be processed; retrying');
    })
    .finally(() => {
      watched.isBusy = false;
      state.actions.delete(promise);
    });
  state.actions.add(promise);
}

async function startRun(state: RunnerState, watched: WatchedRun): Promise<void> {
  const { submission, process, start, run } = watched;
  const item = await readItem(submission, process);
  const outcome = await startJob(state.files, submission.stored, item, start, run);
  if (outcome.kind === 'started') {
    await logEvent(submission.stored, item, start, 1, 'Job executing on this machine');
    return;
  }
  await claimRun(run);
  await removeScratch(run);
  await record(state, submission, { process, start, at: formatNow(), ...outcome });
  state.watched.delete(run.directory);
  await logEvent(submission.stored, item, start, 12, `Job was held. ${outcome.reason}`);
}

async function closeRun(state: RunnerState, watched: WatchedRun, result: JobResult | undefined): Promise<void> {
  const { submission, process, start, run } = watched;
  const item = await readItem(submission, process);
  // Before it is said that the job has ended: what it reported goes before what its end looks like from outside.
  await copySpools(run, state.spoolDirectory);
  const { pending } = jobOf(submission.jobs, process);
  const base = { process, start, at: formatNow() };
  const wasKilled = watched.killedAt !== undefined || result === undefined || result.exitCode > 128;
  let event: JournalEvent;
  if (pending !== undefined && wasKilled) {
    event =
      pending.action === 'remove'
        ? { kind: 'removed', ...base, reason: pending.reason }
        : { kind: 'held', ...base, reason: pending.reason, code: heldOnRequest, subcode: 0 };
  } else if (result === undefined) {
    const reason = 'The job ended without a result: its processes were killed, or the machine was rebooted';
    event = { kind: 'removed', ...base, reason };
  } else {
    const failure = await copyOutputs(submission.stored, item, run);
    event = failure === undefined ? { kind: 'ended', ...base, ...result } : { kind: 'held', ...base, ...failure };
  }
  // Before it is said that the job has ended, for then its log is to be whole.
  const [code, text] = describe(event);
  await logEvent(submission.stored, item, start, code, text);
  await record(state, submission, event);
  // What is missing among the outputs may be seen in the scratch directory.
  if (event.kind !== 'held' || event.code === heldOnRequest) await removeScratch(run);
  if (event.kind === 'ended' && event.exitCode === 0) await removeRun(submission.stored, item, run);
  state.watched.delete(run.directory);
}

function describe(event: JournalEvent): readonly [code: number, text: string] {
  if (event.kind === 'ended') return [5, `Job terminated. Exit code ${event.exitCode}`];
  if (event.kind === 'held') return [12, `Job was held. ${event.reason}`];
  return [9, `Job was aborted. ${event.kind === 'removed' ? event.reason : ''}`];
}

/** The launcher of an earlier runner never came: if we can take its claim, the job waits again. */
async function recordUnstarted(state: RunnerState, watched: WatchedRun, isClaimed: boolean): Promise<void> {
  const { submission, process, start, run } = watched;
  if (!isClaimed && !(await claimRun(run))) return;
  await rm(run.scratch, { recursive: true, force: true });
  await record(state, submission, { kind: 'unstarted', process, start, at: formatNow() });
  state.watched.delete(run.directory);
}

async function stopIfAsked(state: RunnerState, watched: WatchedRun, pid: number): Promise<void> {
  const { pending } = jobOf(watched.submission.jobs, watched.process);
  if (pending === undefined) return;
  if (watched.killedAt === undefined) {
    watched.killedAt = performance.now();
    sendToGroup(pid, 'SIGTERM');
    setTimeout(() => state.poke(), state.graceMs + 10).unref();
  } else if (performance.now() - watched.killedAt > state.graceMs) {
    await stopSession(pid);
  }
}

async function record(state: RunnerState, submission: LocalSubmission, event: JournalEvent): Promise<void> {
  await appendLines(submission.files.journal, [JSON.stringify(event)]);
  await readNewEvents(state, submission);
}

async function readNewEvents(state: RunnerState, submission: LocalSubmission): Promise<void> {
  const events = await readJournal(submission);
  state.endings += events.filter(isEnding).length;
  const mayWaitAgain = events.some(
    (event) => event.kind === 'unstarted' || (event.kind === 'request' && event.action === 'release'),
  );
  if (mayWaitAgain) state.idleFrom.set(submission.stored.uuid, 0);
}

function isEnding(event: JournalEvent): boolean {
  return ['ended', 'held', 'removed'].includes(event.kind) || (event.kind === 'request' && event.action !== 'release');
}

function formatNow(): string {
  return new Date().toISOString();
}
