import { join } from 'node:path';

import { explainError } from '#util/explain-error.ts';
import { isUuid } from '#util/is-uuid.ts';

import { appendLines, exists, jobFilesOf, wakeRunner } from './job-files.ts';
import { hasEnded, jobOf } from './journal.ts';
import { readJournal, readSubmission } from './read-submission.ts';
import { submitLocal } from './submit.ts';

import type { BatchAnswer, BatchBackend, BatchJobReport, BatchSelection, BatchSubmissionReport } from '../backend.ts';
import type { JobFiles } from './job-files.ts';
import type { JournalEvent, LocalJob } from './journal.ts';
import type { LocalSubmission } from './read-submission.ts';

/**
 * Makes the batch system that runs jobs on this machine: they are files below `jobs/` of the state directory, started by
 * {@link startLocalQueue} in whatever process runs it. Without such a process jobs wait.
 */
export function makeLocalBackend(stateDirectory: string): BatchBackend {
  const files = jobFilesOf(stateDirectory);
  return {
    name: 'local',
    // The submitting process itself puts the submission in its place, so nothing comes after its death.
    can: { canHold: true, hasFactories: false, hasTransfer: true, submitSettlesMs: 0 },
    submit: (submission, items) => submitLocal(files, submission, items),
    findSubmissions: (uuids) => ask(() => findSubmissions(files, uuids)),
    queryQueue: (uuids, state) =>
      ask(() => queryJobs(files, uuids, (job) => !hasEnded(job) && (state === undefined || job.state === state))),
    queryHistory: (uuids) => ask(() => queryJobs(files, uuids, hasEnded)),
    hold: (selection, reason) => ask(() => request(files, selection, 'hold', reason)),
    release: (selection, reason) => ask(() => request(files, selection, 'release', reason)),
    remove: (selection, reason) => ask(() => request(files, selection, 'remove', reason)),
  };
}

/** What cannot be read is unknown, never empty. */
async function ask<T>(deed: () => Promise<T>): Promise<BatchAnswer<T>> {
  try {
    return { kind: 'answer', value: await deed() };
  } catch (error) {
    return { kind: 'unknown', reason: explainError(error) };
  }
}

async function readSubmissions(files: JobFiles, uuids: readonly string[]): Promise<readonly LocalSubmission[]> {
  const submissions: LocalSubmission[] = [];
  for (const uuid of uuids) {
    if (!isUuid(uuid)) continue;
    const submission = await readSubmission(join(files.directory, uuid));
    if (submission !== undefined) submissions.push(submission);
  }
  return submissions;
}

async function findSubmissions(files: JobFiles, uuids: readonly string[]): Promise<readonly BatchSubmissionReport[]> {
  const submissions = await readSubmissions(files, uuids);
  return submissions.map(({ stored: { uuid, cluster, count } }) => ({ uuid, cluster, count, nextProcess: count }));
}

async function queryJobs(
  files: JobFiles,
  uuids: readonly string[],
  isWanted: (job: LocalJob) => boolean,
): Promise<readonly BatchJobReport[]> {
  const submissions = await readSubmissions(files, uuids);
  return submissions.flatMap(({ stored: { uuid, cluster }, cupsids, jobs }) =>
    cupsids.flatMap((cupsid, process) => {
      const { pending: _pending, ...job } = jobOf(jobs, process);
      return isWanted(job) ? [{ uuid, cluster, process, cupsid, ...job }] : [];
    }),
  );
}

const canBe: Readonly<Record<'hold' | 'release' | 'remove', (job: LocalJob) => boolean>> = {
  hold: (job) => job.state === 'idle' || job.state === 'running',
  release: (job) => job.state === 'held',
  remove: (job) => !hasEnded(job),
};

/** Asks for something; what does not run obeys at once, what runs as soon as the runner sees it. */
async function request(
  files: JobFiles,
  selection: BatchSelection,
  action: 'hold' | 'release' | 'remove',
  reason: string,
): Promise<number> {
  const [submission] = await readSubmissions(files, [selection.uuid]);
  if (submission === undefined || (await exists(submission.files.ended))) return 0;
  const { cupsids, jobs } = submission;
  const wanted = selection.cupsids === undefined ? undefined : new Set(selection.cupsids);
  const processes = cupsids
    .map((_, process) => process)
    .filter((process) => wanted?.has(cupsids[process] ?? -1) !== false && canBe[action](jobOf(jobs, process)));
  if (processes.length === 0) return 0;
  const event: JournalEvent = {
    ...{ kind: 'request', action, reason, at: new Date().toISOString() },
    ...(wanted === undefined && processes.length === cupsids.length ? {} : { processes }),
  };
  await appendLines(submission.files.journal, [JSON.stringify(event)]);
  await readJournal(submission);
  await wakeRunner(files).catch(() => undefined);
  return processes.length;
}
