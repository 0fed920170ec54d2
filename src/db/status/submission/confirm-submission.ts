import { sql } from '../../connect.ts';

import type { Session } from '../../connect.ts';

/**
 * Writes down that the batch system has a submission: part of a transaction of the caller. States only go forward: what
 * a job that was faster has reported stays.
 *
 * @param cluster absent if the jobs are known to be there but not under which number
 * @returns false if the submission is no longer waiting for this: it was confirmed or withdrawn by another process
 * @throws DatabaseError
 */
export async function confirmSubmission(session: Session, uuid: string, cluster: number | undefined): Promise<boolean> {
  const found = await session.execute(sql`
    update ${sql.table(session.role, 'submission')}
    set state = 'confirmed', cluster = ${cluster ?? null}
    where uuid = ${uuid} and state = 'reserved'`);
  if (found === 0) return false;
  const status = sql.table(session.role, 'production_status');
  // In the order of ids, as everybody who writes several attempts at once locks them: jobs may speak already.
  await session.execute(sql`
    select count(*) from (
      select id from ${status} where submission_id = ${uuid} order by id for no key update
    ) locked`);
  await session.execute(sql`
    update ${status}
    set cluster = coalesce(${cluster ?? null}, cluster),
        status = case status when 'submitting' then 'submitted' else status end,
        submitted = coalesce(submitted, now() at time zone 'utc')
    where submission_id = ${uuid}`);
  return true;
}
