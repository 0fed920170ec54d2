import { sql } from '../../connect.ts';

import type { Queryable, Session } from '../../connect.ts';

/**
 * Finds confirmed submissions of the last days of which it is not known under which number the batch system has them: they
 * were confirmed because one of their jobs had spoken.
 *
 * @returns uuids, the newest first
 * @throws DatabaseError
 */
export async function findWithoutCluster(
  status: Queryable,
  backend: string,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select uuid::text as uuid from ${sql.table(status.role, 'submission')}
    where state = 'confirmed' and cluster is null and backend = ${backend}
      and reserved_at > (now() at time zone 'utc') - make_interval(days => ${days})
    order by reserved_at desc limit ${limit}`);
  return rows.map(({ uuid }) => uuid);
}

/**
 * Records under which number the batch system has a confirmed submission, where that is not known: part of a transaction of
 * the caller.
 *
 * @returns whether it was not
 * @throws DatabaseError
 */
export async function putCluster(session: Session, uuid: string, cluster: number): Promise<boolean> {
  const found = await session.execute(sql`
    update ${sql.table(session.role, 'submission')} set cluster = ${cluster}
    where uuid = ${uuid} and state = 'confirmed' and cluster is null`);
  if (found === 0) return false;
  const attempts = sql.table(session.role, 'production_status');
  await session.execute(sql`
    update ${attempts} p set cluster = ${cluster}
    from (select id from ${attempts} where submission_id = ${uuid} and cluster = 0 order by id for no key update) locked
    where p.id = locked.id`);
  return true;
}
