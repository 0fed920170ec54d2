import { sql } from '../../connect.ts';

import type { Queryable, Session, Statement } from '../../connect.ts';

/** Which attempts of a submission never get a job. */
export interface Unmade {
  readonly uuid: string;
  /** Process number of the first of them. */
  readonly from: number;
}

/**
 * Finds the live attempt of one process number, if it is not at its end and was never heard of.
 *
 * @throws DatabaseError
 */
export async function findUnmade(status: Queryable, uuid: string, process: number): Promise<number | undefined> {
  const [row] = await status.query<{ readonly id: number }>(sql`
    select id from ${sql.table(status.role, 'production_status')}
    where submission_id = ${uuid} and process = ${process} and final_state is null and start < 0
      and retired_at is null`);
  return row?.id;
}

/**
 * Counts the attempts that {@link withdrawUnmade} would take back.
 *
 * @throws DatabaseError
 */
export async function countUnmade(status: Queryable, unmade: Unmade): Promise<number> {
  const [row] = await status.query<{ readonly count: number }>(sql`
    select count(*)::int as count from ${sql.table(status.role, 'production_status')} where ${isUnmadeSql(unmade)}`);
  return row?.count ?? 0;
}

function isUnmadeSql({ uuid, from }: Unmade): Statement {
  return sql`submission_id = ${uuid} and process >= ${from} and final_state is null and start < 0`;
}

/**
 * Takes attempts back whose jobs are never made, as part of a transaction of the caller: as if they had never been
 * dispatched. They are failed and retired, those that they had replaced are live again, and a cursor that their submission
 * had moved stands where it stood. Attempts that were heard of, or are at their end, stay as they are.
 *
 * @returns how many attempts
 * @throws DatabaseError
 */
export async function withdrawUnmade(session: Session, unmade: Unmade, reason: string, by: string): Promise<number> {
  const status = sql.table(session.role, 'production_status');
  const isUnmade = isUnmadeSql(unmade);
  // In the order of ids, as everybody who writes several attempts at once locks them; replaced ones are the older.
  await session.execute(sql`
    select count(*) from (
      select id from ${status}
      where (${isUnmade}) or id in (select replaces from ${status} where ${isUnmade})
      order by id for no key update
    ) locked`);
  const taken = await session.query<{ readonly replaces: number | null }>(sql`
    update ${status}
    set retired_at = coalesce(retired_at, now() at time zone 'utc'), retired_by = coalesce(retired_by, ${by}),
        retired_reason = coalesce(retired_reason, ${reason}), status = 'failed', message = ${reason},
        ended = now() at time zone 'utc'
    where ${isUnmade}
    returning replaces`);
  if (taken.length === 0) return 0;
  const replaced = taken.flatMap(({ replaces }) => (replaces === null ? [] : [replaces]));
  await session.execute(sql`
    update ${status} old
    set retired_at = null, retired_by = null, retired_reason = null
    where old.id = any (${replaced}::int[]) and old.retired_at is not null
      and not exists (select 1 from ${status} live where live.dstfile = old.dstfile and live.retired_at is null)`);
  await session.execute(sql`
    update ${sql.table(session.role, 'production_cursor')} c
    set lastrun = least(c.lastrun, s.cursor_before)
    from ${sql.table(session.role, 'submission')} s
    where s.uuid = ${unmade.uuid} and c.id = s.cursor_id`);
  return taken.length;
}
