import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';

import type { Session } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';

import type { VerdictPart } from './verdict-part.ts';

async function findRejectedWarnings(session: Session): Promise<readonly DecisionWarning[]> {
  const reasons = await session.query<{ note: string; count: number; run: number | null }>(
    sql`select note, count(*)::int as count, min(run) as run from pg_temp.judged where verdict = 'rejected'
      group by note order by note`,
  );
  const complaints: Readonly<Record<string, string>> = {
    runnumber: "'runnumber' is null, negative or not a whole number",
    segment: "'segment' is null, negative or not a whole number",
    files: "'files' is null or empty",
    streamname: "'streamname' is null or contains characters other than letters, digits and '_'",
  };
  return reasons.map(({ note, count, run }) => ({
    kind: 'rejected-rows',
    count,
    message: `${countOf(count, 'row')} left out: ${complaints[note] ?? note}${run === null ? '' : `, e.g. of run ${run}`}`,
  }));
}

/** The row names no product: run, segment, files or stream are missing or invalid. */
export const rejected: VerdictPart<'rejected'> = {
  meaning: 'rejected: they name no product',
  early: () => Promise.resolve(sql`c.complaint is not null`),
  warn: findRejectedWarnings,
  findFact: (_explaining, { note }) => Promise.resolve({ column: assertPresent(note, 'the column of a rejected row') }),
  describe: ({ column }) => [`column '${column}' is null, empty or invalid, so the row names no product`],
};
