import { withDatabaseRetries } from '#db/retry.ts';
import { findOpenAttempts } from '#db/status/find-open-attempts.ts';
import { findProductionSubmissions } from '#db/status/submission/find-production-submissions.ts';
import { findHeldAfterEnd } from '#dispatch/stuck/find-held-after-end.ts';
import { idsBySubmission } from '#dispatch/submission/ids-by-submission.ts';
import { ingestOwnEvents } from '#ingest/ingest-own-events.ts';
import { BatchError } from '#model/errors.ts';
import { findOutside, rowSelectionOf } from '#model/row-selection.ts';
import { assertPresent } from '#util/assert-present.ts';

import { decideAttempt } from '../reconcile/decide-attempt.ts';
import { readJobs } from '../reconcile/read-jobs.ts';
import { defaultTerms } from '../reconcile/reconcile.ts';
import { removeHeldAfterEnd } from './remove-held-after-end.ts';

import type { BatchBackend, BatchJobReport } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { HeldAfterEnd, StoppedSubmission } from '#model/job/stuck-jobs.ts';
import type { Log } from '#model/log.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** The inputs of all that deals with held jobs: their attempts, and the batch system that holds them. */
export interface HeldInput {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
}

/** A job that the batch system holds, and its attempt, which may be retired. */
export interface HeldJob {
  readonly attempt: OpenAttempt;
  readonly report: BatchJobReport;
}

/** What of a rule's production is on hold. */
export interface HeldJobs {
  readonly jobs: readonly HeldJob[];
  /** Jobs whose attempt has ended. */
  readonly ended: readonly HeldAfterEnd[];
  /** Submissions that are on hold as a whole, with the attempts whose jobs are therefore not made. */
  readonly stops: readonly { readonly stop: StoppedSubmission; readonly unmade: readonly OpenAttempt[] }[];
  /** What could not be read, a sentence each. */
  readonly unread: readonly string[];
}

/** So many submissions are asked about at once. */
const submissionsAtOnce = 100;

/**
 * Finds the held jobs of a rule's production: name, build, tag and version are the same, they are its own attempts, and
 * their runs and segments were asked for. Also those whose attempt has ended, and submissions that are on hold as a whole,
 * unless they have other jobs to make as well.
 *
 * @throws DatabaseError; BatchError (`batch-no-answer`) if the batch system does not say
 */
export async function findHeldJobs(
  input: HeldInput,
  { names, options }: Pick<PreparedRule, 'names' | 'options'>,
): Promise<HeldJobs> {
  const { status, backend } = input;
  const submissions = await withDatabaseRetries(() =>
    findProductionSubmissions(status, backend.name, names.production),
  );
  const selection = rowSelectionOf(options);
  const held: { jobs: HeldJob[]; stops: HeldJobs['stops'][number][]; unread: string[] } = {
    ...{ jobs: [], stops: [], unread: [] },
  };
  const open = submissions.filter(({ isOpen }) => isOpen);
  for (let from = 0; from < open.length; from += submissionsAtOnce) {
    const asked = open.slice(from, from + submissionsAtOnce);
    const uuids = asked.map(({ uuid }) => uuid);
    const looked = await readJobs(
      backend,
      uuids,
      (nextProcesses) => withDatabaseRetries(() => findOpenAttempts(status, uuids, nextProcesses)),
      ({ kind }) => kind === 'held',
    );
    if (looked.kind === 'unknown') throw makeNoAnswer('which jobs are held', looked.reason);
    held.unread.push(...looked.unread.map(({ reason }) => reason));
    for (const attempt of looked.attempts) {
      const { queue: report } = looked.sightOf(attempt);
      if (report?.state === 'held' && findOutside(selection, attempt) === undefined)
        held.jobs.push({ attempt, report });
    }
    for (const { uuid, cluster, nextProcess, stop } of looked.submissions) {
      if (stop?.kind !== 'held') continue;
      const unmade = looked.attempts.filter(
        ({ submission, process, start }) => submission === uuid && process >= nextProcess && start < 0,
      );
      if (unmade.some((attempt) => findOutside(selection, attempt) !== undefined)) continue;
      const rule = assertPresent(
        asked.find((submission) => submission.uuid === uuid)?.rule,
        'the rule of a submission',
      );
      const { kind, reason } = stop;
      const about = { submission: uuid, rule, cluster, kind, reason };
      held.stops.push({ stop: { ...about, unmade: unmade.length, next: nextProcess }, unmade });
    }
  }
  const ended = await findHeldAfterEnd(
    input,
    submissions.map(({ uuid }) => uuid),
  );
  if (ended.kind === 'unknown') throw makeNoAnswer('which jobs are held', ended.reason);
  return {
    ...held,
    unread: [...new Set([...held.unread, ...ended.unread])],
    ended: ended.jobs.filter((job) => findOutside(selection, job) === undefined),
  };
}

/**
 * Writes down that jobs are held, and why: the same events that a reconcile records, so each is recorded once.
 *
 * @returns how many attempts were not known to be held
 * @throws DatabaseError
 */
export async function markHeldJobs(input: HeldInput, jobs: readonly HeldJob[]): Promise<number> {
  const terms = { ...defaultTerms, nowMs: Date.now() };
  const events = jobs.flatMap(({ attempt, report }) => {
    const decision = decideAttempt(attempt, { queue: report }, terms);
    return decision.kind === 'report' ? decision.events : [];
  });
  return ingestLogged(input, events, 'held');
}

/**
 * Removes held jobs from the batch system; their attempts have failed then, for the reason they were held for. Of a
 * submission that is on hold as a whole, no further jobs are made, and the attempts without one have failed too. Attempts
 * that have ended stay as they are.
 *
 * @param by who wants it, for `production_event.source`
 * @returns how many
 * @throws DatabaseError; BatchError (`batch-no-answer`) if it is not known of all whether they were removed
 */
export async function removeHeldJobs(input: HeldInput, held: HeldJobs, by: string): Promise<number> {
  const { backend, log } = input;
  const silences: string[] = [];
  let cleared = 0;
  for (const { stop, unmade } of held.stops) {
    const answer = await backend.removeUnmade(stop.submission, clearing);
    if (answer.kind === 'unknown') {
      silences.push(answer.reason);
      continue;
    }
    await ingestLogged(
      input,
      makeRemovals(
        unmade.map((attempt) => ({ attempt, reason: stop.reason })),
        by,
      ),
      'cleared',
    );
    cleared += unmade.length;
    log.info({ submission: stop.submission, jobs: unmade.length }, 'ended a held submission');
  }
  for (const [uuid, cupsids] of idsBySubmission(held.jobs.map(({ attempt }) => attempt))) {
    const answer = await backend.remove({ uuid, cupsids }, clearing);
    if (answer.kind === 'unknown') {
      silences.push(answer.reason);
      continue;
    }
    const jobs = held.jobs.filter(({ attempt }) => attempt.submission === uuid);
    const removals = jobs.map(({ attempt, report }) => ({
      attempt: { ...attempt, start: Math.max(report.starts - 1, attempt.start) },
      reason: report.holdReason ?? 'held without a reason',
    }));
    await ingestLogged(input, makeRemovals(removals, by), 'cleared');
    cleared += cupsids.length;
    log.info({ submission: uuid, jobs: cupsids.length }, 'removed held jobs');
  }
  const ended = await removeHeldAfterEnd(input, held.ended, clearing);
  const [reason] = [...silences, ...ended.silences];
  if (reason !== undefined) throw makeNoAnswer('whether all held jobs are removed', reason);
  return cleared + ended.removed;
}

const clearing = 'held, and cleared by the operator';

function makeRemovals(
  attempts: readonly { readonly attempt: Pick<OpenAttempt, 'id' | 'start'>; readonly reason: string }[],
  by: string,
): readonly JobEvent[] {
  const nowMs = Date.now();
  return attempts.map(({ attempt: { id, start }, reason }) => ({
    ...{ cupsid: id, source: `operator:${by}`, sequence: nowMs, start, at: new Date(nowMs).toISOString() },
    detail: { kind: 'removed', reason: `Cleared while held: ${reason}` },
  }));
}

async function ingestLogged(input: HeldInput, events: readonly JobEvent[], what: string): Promise<number> {
  const fresh = await ingestOwnEvents(input, events);
  for (const { cupsid, detail } of fresh) input.log.info({ cupsid, ...detail }, what);
  return fresh.length;
}

function makeNoAnswer(what: string, reason: string): BatchError {
  return new BatchError(`The batch system does not report ${what}: ${reason}`, {
    code: 'batch-no-answer',
    advice: 'Call the command again when it answers',
  });
}
