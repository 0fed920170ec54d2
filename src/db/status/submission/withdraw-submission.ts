import { sql } from '../../connect.ts';

import type { Session } from '../../connect.ts';

/** Why and how a submission is taken back. */
export interface Withdrawal {
  readonly uuid: string;
  /** `refused`: the batch system said no. `lost`: it surely never got it. */
  readonly state: 'refused' | 'lost';
  readonly reason: string;
  readonly by: string;
}

/**
 * Takes an unconfirmed submission back, as part of a transaction of the caller: its attempts are failed and retired, and
 * those that they had replaced are live again; a cursor that it had moved past its runs stands where it stood.
 *
 * @returns how many attempts were retired; 0 if the submission was confirmed or withdrawn already
 * @throws DatabaseError
 */
export async function withdrawSubmission(session: Session, withdrawal: Withdrawal): Promise<number> {
  const { uuid, state, reason, by } = withdrawal;
  const status = sql.table(session.role, 'production_status');
  const found = await session.execute(sql`
    update ${sql.table(session.role, 'submission')}
    set state = ${state}, message = ${reason}, ended_at = now() at time zone 'utc'
    where uuid = ${uuid} and state = 'reserved'`);
  if (found === 0) return 0;
  await session.execute(sql`
    update ${sql.table(session.role, 'production_cursor')} c
    set lastrun = least(c.lastrun, s.cursor_before)
    from ${sql.table(session.role, 'submission')} s
    where s.uuid = ${uuid} and c.id = s.cursor_id`);
  // In the order of ids, as everybody who writes several attempts at once locks them; replaced ones are the older.
  await session.execute(sql`
    select count(*) from (
      select id from ${status}
      where submission_id = ${uuid} or id in (select replaces from ${status} where submission_id = ${uuid})
      order by id for no key update
    ) locked`);
  const retired = await session.execute(sql`
    update ${status}
    set retired_at = now() at time zone 'utc', retired_by = ${by}, retired_reason = ${reason}, status = 'failed',
        message = ${reason}, ended = now() at time zone 'utc'
    where submission_id = ${uuid} and retired_at is null`);
  await session.execute(sql`
    update ${status} old
    set retired_at = null, retired_by = null, retired_reason = null
    from ${status} new
    where new.submission_id = ${uuid} and old.id = new.replaces and old.retired_at is not null
      and not exists (select 1 from ${status} live where live.dstfile = old.dstfile and live.retired_at is null)`);
  return retired;
}
