import { retryDatabase } from '#db/retry.ts';
import { findOpenAttempts } from '#db/status/find-open-attempts.ts';
import { findProductionSubmissions } from '#db/status/submission/find-production-submissions.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { BatchError } from '#model/errors.ts';
import { findOutside, rowSelectionOf } from '#model/row-selection.ts';

import { groupBySubmission } from './submission/group-by-submission.ts';
import { decideAttempt } from './reconcile/decide-attempt.ts';
import { lookAt } from './reconcile/look-at.ts';
import { defaultTerms } from './reconcile/reconcile.ts';

import type { BatchBackend, BatchJobReport } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** What dealing with held jobs needs. */
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

/** So many submissions are asked about at once. */
const submissionsAtOnce = 100;

/**
 * Finds the held jobs of a rule's production: name, build, tag and version are the same, they are its own attempts, and
 * their runs and segments were asked for.
 *
 * @throws DatabaseError; BatchError (`batch-no-answer`) if the batch system does not say
 */
export async function findHeldJobs(
  input: HeldInput,
  { setup, options }: Pick<PreparedRule, 'setup' | 'options'>,
): Promise<readonly HeldJob[]> {
  const { status, backend } = input;
  const { name, build, dbtag, revision } = setup;
  const production = {
    ...{ setupName: name, build, tag: dbtag },
    ...(revision === undefined ? {} : { version: revision }),
  };
  const uuids = await retryDatabase(() => findProductionSubmissions(status, backend.name, production));
  const selection = rowSelectionOf(options);
  const held: HeldJob[] = [];
  for (let from = 0; from < uuids.length; from += submissionsAtOnce) {
    const asked = uuids.slice(from, from + submissionsAtOnce);
    const looked = await lookAt(backend, asked, (nextProcesses) =>
      retryDatabase(() => findOpenAttempts(status, asked, nextProcesses)),
    );
    if (looked.kind === 'unknown') throw noAnswer('which jobs are held', looked.reason);
    for (const attempt of looked.attempts) {
      const { queue: report } = looked.sightOf(attempt);
      if (report?.state === 'held' && findOutside(selection, attempt) === undefined) held.push({ attempt, report });
    }
  }
  return held;
}

/**
 * Writes down that jobs are held, and why: the same events that a reconcile tells, so both know each once.
 *
 * @returns how many attempts were not known to be held
 * @throws DatabaseError
 */
export async function markHeldJobs(input: HeldInput, jobs: readonly HeldJob[]): Promise<number> {
  const terms = { ...defaultTerms, nowMs: Date.now() };
  const events = jobs.flatMap(({ attempt, report }) => {
    const decision = decideAttempt(attempt, { queue: report }, terms);
    return decision.kind === 'tell' ? decision.events : [];
  });
  return record(input, events, 'held');
}

/**
 * Removes held jobs from the batch system; their attempts have failed then, for the reason they were held for.
 *
 * @param by who wants it, for `production_event.source`
 * @returns how many
 * @throws DatabaseError; BatchError (`batch-no-answer`) if it is not known of all whether they were removed
 */
export async function clearHeldJobs(input: HeldInput, jobs: readonly HeldJob[], by: string): Promise<number> {
  const { backend, log } = input;
  const unknown: string[] = [];
  let cleared = 0;
  for (const [uuid, cupsids] of groupBySubmission(jobs.map(({ attempt }) => attempt))) {
    const answer = await backend.remove({ uuid, cupsids }, 'held, and cleared by the operator');
    if (answer.kind === 'unknown') {
      unknown.push(answer.reason);
      continue;
    }
    const nowMs = Date.now();
    const events = jobs
      .filter(({ attempt }) => attempt.submission === uuid)
      .map(({ attempt, report }) => ({
        ...{ attempt: attempt.id, source: `operator:${by}`, sequence: nowMs },
        start: Math.max(report.starts - 1, attempt.start),
        at: new Date(nowMs).toISOString(),
        detail: {
          kind: 'removed' as const,
          reason: `Cleared while held: ${report.holdReason ?? 'held without a reason'}`,
        },
      }));
    await record(input, events, 'cleared');
    cleared += cupsids.length;
    log.info({ submission: uuid, jobs: cupsids.length }, 'removed held jobs');
  }
  const [reason] = unknown;
  if (reason !== undefined) throw noAnswer('whether all held jobs are removed', reason);
  return cleared;
}

const eventsAtOnce = 500;

async function record(input: HeldInput, events: readonly JobEvent[], what: string): Promise<number> {
  let fresh = 0;
  for (let from = 0; from < events.length; from += eventsAtOnce) {
    const group = events.slice(from, from + eventsAtOnce);
    const recorded = await retryDatabase(() =>
      recordEvents(
        input.status,
        group.map((event) => ({ event })),
      ),
    );
    group.forEach(({ attempt, detail }, index) => {
      if (recorded[index]?.outcome !== 'new') return;
      fresh += 1;
      input.log.info({ attempt, ...detail }, what);
    });
  }
  return fresh;
}

function noAnswer(what: string, reason: string): BatchError {
  return new BatchError(`The batch system does not say ${what}: ${reason}`, {
    code: 'batch-no-answer',
    advice: 'Call the command again when it answers',
  });
}
