import { findRefused } from '#db/status/refused/find-refused.ts';

import type { Database } from '#db/connect.ts';
import type { BlockingAttempt } from '#db/decide/explain/find-attempt.ts';
import type { ExplainedRow } from '#db/decide/explain/explain-run.ts';
import type { RefusedReport } from '#db/status/refused/find-refused.ts';

/** Reports of attempts that were refused and are not resolved, by cupsid, the newest first; attempts without any are left out. */
export type RefusedByAttempt = Readonly<Record<number, readonly RefusedReport[]>>;

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

const shown = 3;

/** Says what was refused, and what to do; empty where nothing was. */
export function describeRefused(reports: readonly RefusedReport[] | undefined): readonly string[] {
  if (reports === undefined) return [];
  const rest = reports.length - shown;
  return [
    ...reports.slice(0, shown).map(({ report, reason, refusedAt }) => {
      const at = refusedAt.toISOString().slice(0, 19).replace('T', ' ');
      return `its report '${report}' was refused at ${at} UTC: ${reason}`;
    }),
    ...(rest > 0 ? [`and ${rest} more: slurp refused`] : []),
    `once that is resolved: slurp refused ${reports[0]?.cupsid ?? ''} --resolve`,
  ];
}
