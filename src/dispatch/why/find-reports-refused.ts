import { findRefused } from '#db/status/refused/find-refused.ts';

import type { Database } from '#db/connect.ts';
import type { BlockingAttempt, RefusedReport } from '#model/report/verdict-fact.ts';
import type { ExplainedRow, RefusedByAttempt } from '#model/report/why.ts';

/**
 * Finds the refused reports of all attempts that an answer names.
 *
 * @param attempts beside those of the rows
 * @throws DatabaseError
 */
export async function findReportsRefused(
  status: Database,
  rows: readonly ExplainedRow[],
  attempts: readonly BlockingAttempt[],
): Promise<RefusedByAttempt> {
  const ids = [...rows.flatMap(attemptsOf), ...attempts].map(({ id }) => id);
  if (ids.length === 0) return {};
  const byAttempt: Record<number, RefusedReport[]> = {};
  for (const report of await findRefused(status, ids)) (byAttempt[report.cupsid] ??= []).push(report);
  return byAttempt;
}

function attemptsOf({ fact }: ExplainedRow): readonly BlockingAttempt[] {
  if (fact.fate === 'ready') return fact.replaces === undefined ? [] : [fact.replaces];
  if (fact.fate !== 'blocked' && fact.fate !== 'not-selected') return [];
  return fact.attempt === undefined ? [] : [fact.attempt];
}
