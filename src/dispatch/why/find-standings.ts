import { findHeldAfterEnd } from '../stuck/find-held-after-end.ts';
import { findStopsNow } from '../stuck/find-stops-now.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { BlockingAttempt } from '#db/decide/explain/find-attempt.ts';
import type { ExplainedRow } from '#db/decide/explain/explain-run.ts';
import type { HeldAfterEnd, StoppedSubmission } from '#model/job/stuck-jobs.ts';

/** How the job of an attempt that blocks stands in the batch system, where that is not what its state says. */
export type Standing =
  /** No job is made for it. */
  | { readonly kind: 'stopped'; readonly stop: StoppedSubmission }
  /** The attempt has ended, and its job is held. */
  | { readonly kind: 'held'; readonly job: HeldAfterEnd };

/** Standings by the number of the attempt; those that are as their state says are left out. */
export interface Standings {
  readonly byAttempt: Readonly<Record<number, Standing>>;
  /** Why the batch system does not say, or not everything. */
  readonly silence?: string;
}

/**
 * Asks the batch system how the jobs of blocking attempts stand. Changes nothing.
 *
 * @throws DatabaseError
 */
export async function findStandings(
  input: { readonly status: Database; readonly backend: BatchBackend },
  rows: readonly ExplainedRow[],
): Promise<Standings> {
  const attempts = rows.flatMap(({ fact }) =>
    fact.fate === 'blocked' && fact.attempt !== undefined ? [fact.attempt] : [],
  );
  const waiting = attempts.filter(({ state }) => state === 'submitted');
  const ended = attempts.filter(({ state }) => state === 'finished' || state === 'failed');
  const { stops, silence } = await findStopsNow(input, submissionsOf(waiting));
  const held = await findHeldAfterEnd(
    input,
    submissionsOf(ended).map(({ uuid }) => uuid),
  );
  const byAttempt: Record<number, Standing> = {};
  for (const { id, submission, process } of waiting) {
    const stop = stops.find((one) => one.submission === submission && process >= one.next);
    if (stop !== undefined) byAttempt[id] = { kind: 'stopped', stop };
  }
  for (const job of held.kind === 'answer' ? held.jobs : []) {
    if (ended.some(({ id }) => id === job.cupsid)) byAttempt[job.cupsid] = { kind: 'held', job };
  }
  const doubt = silence ?? (held.kind === 'answer' ? held.unread[0] : held.reason);
  return { byAttempt, ...(doubt === undefined ? {} : { silence: doubt }) };
}

function submissionsOf(
  attempts: readonly BlockingAttempt[],
): readonly { readonly uuid: string; readonly rule: string }[] {
  const found = new Map<string, string>();
  for (const { submission, rule } of attempts) if (submission !== null) found.set(submission, rule ?? '');
  return [...found].map(([uuid, rule]) => ({ uuid, rule }));
}
