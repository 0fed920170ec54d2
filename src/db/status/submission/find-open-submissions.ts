import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds which of these submissions have jobs that may still run: attempts that are neither final nor retired, or a
 * submission that is not confirmed.
 *
 * @throws DatabaseError
 */
export async function findOpenSubmissions(status: Queryable, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select s.uuid::text as uuid from ${sql.table(status.role, 'submission')} s
    where s.uuid = any (${uuids}::uuid[])
      and (s.state = 'reserved' or exists (
        select 1 from ${sql.table(status.role, 'production_status')} p
        where p.submission_id = s.uuid and p.retired_at is null and p.final_state is null
      ))`);
  return new Set(rows.map(({ uuid }) => uuid));
}
