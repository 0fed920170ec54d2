import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/**
 * Makes the monthly partitions of `production_event` around now; those that are there stay. Several callers at once are
 * safe.
 *
 * @returns names of the partitions made
 * @throws DatabaseError
 */
export async function ensureEventPartitions(status: Queryable): Promise<readonly string[]> {
  const rows = await status.query<{ readonly name: string }>(
    sql`select name from ${sql.table(status.role, 'ensure_event_partitions')}() as made (name)`,
  );
  return rows.map((row) => row.name);
}
