import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/**
 * Finds the names of all rules of which anything was ever submitted, in the order of the alphabet.
 *
 * @throws DatabaseError
 */
export async function findRuleNames(status: Queryable): Promise<readonly string[]> {
  const rows = await status.query<{ readonly rule: string }>(
    sql`select distinct rule from ${sql.table(status.role, 'submission')} order by rule`,
  );
  return rows.map(({ rule }) => rule);
}
