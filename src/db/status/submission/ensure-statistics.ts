import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** Fewer rows do not mislead the planner. */
const leastRows = 1000;

/**
 * Lets the database count its attempts again after so many were added that what it believes of them is wrong. Its own
 * housekeeping does so a minute later: until then a decision over 100,000 candidates compares each with every attempt,
 * which was stopped after nine minutes instead of a second (measured).
 *
 * A user who does not own the table gets a notice, and nothing else happens.
 *
 * @throws DatabaseError
 */
export async function ensureStatistics(status: Queryable, added: number): Promise<void> {
  if (added < leastRows) return;
  const table = sql.table(status.role, 'production_status');
  const [known] = await status.query<{ readonly rows: number }>(sql`
    select reltuples::float8 as rows from pg_class where oid = ${table.text}::regclass`);
  if (known !== undefined && added * 10 > known.rows) await status.execute(sql`analyze ${table}`);
}
