import { findRefused } from '#db/status/refused/find-refused.ts';

import type { Database } from '#db/connect.ts';
import type { RefusedReport } from '#model/report/verdict-fact.ts';
import type { RefusedByAttempt } from '#model/report/why.ts';

/** Finds the refused reports of attempts. @throws DatabaseError */
export async function findReportsRefused(status: Database, cupsids: readonly number[]): Promise<RefusedByAttempt> {
  if (cupsids.length === 0) return {};
  const byAttempt: Record<number, RefusedReport[]> = {};
  for (const report of await findRefused(status, cupsids)) (byAttempt[report.cupsid] ??= []).push(report);
  return byAttempt;
}
