import { join } from 'node:path';

import { describeError } from '#util/describe-error.ts';
import { isUuid } from '#util/is-uuid.ts';
import { present } from '#util/present.ts';

import { readSuccessExitCode } from '../job-ends.ts';
import { appendLines, isThere, jobFilesOf, submissionFilesOf, wakeRunner } from './job-files.ts';
import { hasEnded, jobOf } from './journal.ts';
import { readJournal, readSubmission } from './submission/read-submission.ts';
import { submitLocal } from './submission/submit.ts';
import { writeLocalSubmission } from './submission/write-local-submission.ts';

import type {
  BatchAnswer,
  BatchBackend,
  BatchJobReport,
  BatchSelection,
  BatchSubmissionReport,
  UnreadReport,
} from '../backend.ts';
import type { JobFiles } from './job-files.ts';
import type { JournalEvent, LocalJob } from './journal.ts';
import type { LocalSubmission } from './submission/read-submission.ts';

/**
 * Makes the batch system that runs jobs on this machine: they are files below `jobs/` of the state directory, started by
 * {@link startLocalQueue} in whatever process runs it. Without such a process jobs wait.
 */
export function makeLocalBackend(stateDirectory: string): BatchBackend {
  const files = jobFilesOf(stateDirectory);
  return {
    name: 'local',
    // The submitting process itself puts the submission in its place, so nothing comes after its death.
    can: { submitSettlesMs: 0 },
    findEnds: (commands) => {
      const successExitCode = readSuccessExitCode(commands);
      return { canRestart: false, ...present({ successExitCode }) };
    },
    submit: (submission, items) => submitLocal(files, submission, items),
    dump: writeLocalSubmission,
    findSubmissions: (uuids) => askAll(files, uuids, (submission) => [reportOf(submission)]),
    queryQueue: (uuids, state) => {
      const isWanted = (job: LocalJob): boolean => !hasEnded(job) && (state === undefined || job.state === state);
      return askAll(files, uuids, (submission) => jobsOf(submission, isWanted), { isOpen: true });
    },
    queryHistory: (uuids) => askAll(files, uuids, (submission) => jobsOf(submission, hasEnded)),
    hold: (selection, reason) => ask(() => recordRequest(files, selection, 'hold', reason)),
    release: (selection, reason) => ask(() => recordRequest(files, selection, 'release', reason)),
    remove: (selection, reason) => ask(() => recordRequest(files, selection, 'remove', reason)),
    // All jobs are made with the submission.
    removeUnmade: () => Promise.resolve({ kind: 'answer', value: 0 }),
  };
}

/** What cannot be read is unknown, never empty. */
async function ask<T>(action: () => Promise<T>): Promise<BatchAnswer<T>> {
  try {
    return { kind: 'answer', value: await action() };
  } catch (error) {
    return { kind: 'unknown', reason: describeError(error) };
  }
}

/**
 * Asks about several submissions. One that cannot be read does not hide the others; if none can be, there is no answer.
 *
 * @param isOpen only those of which not all jobs have ended
 */
async function askAll<T>(
  files: JobFiles,
  uuids: readonly string[],
  report: (submission: LocalSubmission) => readonly T[],
  { isOpen = false }: { readonly isOpen?: boolean } = {},
): Promise<BatchAnswer<readonly T[]>> {
  const value: T[] = [];
  const unread: UnreadReport[] = [];
  const asked = uuids.filter(isUuid);
  for (const uuid of asked) {
    try {
      // Most have ended long ago, and are not read for it.
      if (isOpen && (await isThere(submissionFilesOf(join(files.directory, uuid)).ended))) continue;
      const submission = await readSubmission(join(files.directory, uuid));
      if (submission !== undefined) value.push(...report(submission));
    } catch (error) {
      unread.push({ uuid, reason: `The files of submission '${uuid}' cannot be read: ${describeError(error)}` });
    }
  }
  const [first] = unread;
  if (first === undefined) return { kind: 'answer', value };
  return unread.length === asked.length ? { kind: 'unknown', reason: first.reason } : { kind: 'answer', value, unread };
}

function reportOf({ stored: { uuid, cluster, count } }: LocalSubmission): BatchSubmissionReport {
  return { uuid, cluster, count, nextProcess: count };
}

function jobsOf(
  { stored: { uuid, cluster }, cupsids, jobs }: LocalSubmission,
  isWanted: (job: LocalJob) => boolean,
): readonly BatchJobReport[] {
  return cupsids.flatMap((cupsid, process) => {
    const { pending: _pending, ...job } = jobOf(jobs, process);
    return isWanted(job) ? [{ uuid, cluster, process, cupsid, ...job }] : [];
  });
}

const canBe: Readonly<Record<'hold' | 'release' | 'remove', (job: LocalJob) => boolean>> = {
  hold: (job) => job.state === 'idle' || job.state === 'running',
  release: (job) => job.state === 'held',
  remove: (job) => !hasEnded(job),
};

/** Asks for something; what does not run obeys at once, what runs as soon as the runner sees it. */
async function recordRequest(
  files: JobFiles,
  selection: BatchSelection,
  action: 'hold' | 'release' | 'remove',
  reason: string,
): Promise<number> {
  if (!isUuid(selection.uuid)) return 0;
  const submission = await readSubmission(join(files.directory, selection.uuid));
  if (submission === undefined || (await isThere(submission.files.ended))) return 0;
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
