import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts the live attempts with a report that was refused and that nobody has resolved.
 *
 * @throws DatabaseError
 */
export async function countRefused(status: Queryable): Promise<number> {
  const rows = await status.query<{ attempts: number }>(sql`
    select count(*) as attempts from ${sql.table(status.role, 'production_status')}
    where refusal is not null and retired_at is null`);
  return rows[0]?.attempts ?? 0;
}
