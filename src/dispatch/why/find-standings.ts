import { present } from '#util/present.ts';

import { findHeldAfterEnd } from '../stuck/find-held-after-end.ts';
import { findStopsNow } from '../stuck/find-stops-now.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { BlockingAttempt } from '#model/report/verdict-fact.ts';
import type { ExplainedRow, Standing, Standings } from '#model/report/why.ts';

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
  return { byAttempt, ...present({ silence: doubt }) };
}

function submissionsOf(
  attempts: readonly BlockingAttempt[],
): readonly { readonly uuid: string; readonly rule: string }[] {
  const found = new Map<string, string>();
  for (const { submission, rule } of attempts) if (submission !== null) found.set(submission, rule ?? '');
  return [...found].map(([uuid, rule]) => ({ uuid, rule }));
}
