import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds submissions that were taken back within the last hours: the batch system should have nothing of them.
 *
 * @returns uuids, the newest first
 * @throws DatabaseError
 */
export async function findLostSubmissions(
  status: Queryable,
  backend: string,
  { hours, limit }: { readonly hours: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select uuid::text as uuid from ${sql.table(status.role, 'submission')}
    where state = 'lost' and backend = ${backend}
      and ended_at > (now() at time zone 'utc') - make_interval(hours => ${hours})
    order by ended_at desc limit ${limit}`);
  return rows.map(({ uuid }) => uuid);
}
