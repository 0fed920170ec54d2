import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds submissions that were taken back within the last days, because the batch system surely did not have them or said
 * that it refused them: it should have nothing of them.
 *
 * @returns uuids, the newest first
 * @throws DatabaseError
 */
export async function findWithdrawnSubmissions(
  status: Queryable,
  backend: string,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select uuid::text as uuid from ${sql.table(status.role, 'submission')}
    where state in ('lost', 'refused') and backend = ${backend}
      and ended_at > (now() at time zone 'utc') - make_interval(days => ${days})
    order by ended_at desc limit ${limit}`);
  return rows.map(({ uuid }) => uuid);
}
