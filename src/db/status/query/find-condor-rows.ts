import { sql } from '../../connect.ts';
import { jobsSql, selectedSql } from './query-sql.ts';

import type { CondorRow, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';
import type { QueueJob } from './query-sql.ts';

/** What is known of the queue of the batch system. */
export interface KnownQueue {
  /** At most one for each attempt. */
  readonly jobs: readonly QueueJob[];
  /** The submissions that it answered for; of their jobs from `nextProcess` on it has made none yet. */
  readonly submissions: readonly { readonly uuid: string; readonly nextProcess: number }[];
}

/**
 * Finds the attempts that have not ended, and what the batch system says of each. Where there are more than the limit,
 * those come first that are held or not in the queue, and those last that wait.
 *
 * @returns by dsttype, descending, then by run and segment
 * @throws DatabaseError
 */
export async function findCondorRows(
  status: Queryable,
  { jobs, submissions }: KnownQueue,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<CondorRow>> {
  const most = limit === 0 ? null : limit;
  const found = await status.query<CondorRow & { readonly total: number }>(sql`
    select r.* from (
      select p.dsttype, p.run, p.segment, p.status::text as status, p.cluster, p.process, p.prod_id as "prodId",
        w.word as "condorStatus", q.since as at, q.code as "holdCode", q.subcode as "holdSubcode",
        (count(*) over ())::int as total
      from ${sql.table(status.role, 'production_status')} p
      left join ${jobsSql(jobs)} on q.cupsid = p.id and q.uuid = p.submission_id
      left join unnest(
        ${submissions.map(({ uuid }) => uuid)}::uuid[], ${submissions.map(({ nextProcess }) => nextProcess)}::int[]
      ) as s (uuid, next) on s.uuid = p.submission_id
      cross join lateral (
        select coalesce(q.word, case when p.process >= s.next then 'Queued' when s.uuid is not null then 'none' end) as word
      ) w
      where ${selectedSql(selection)} and p.final_state is null
      order by case w.word when 'Held' then 1 when 'none' then 2 when 'Idle' then 5 when 'Queued' then 6 else 4 end,
        p.dsttype desc, p.run, p.segment
      limit ${most}::bigint
    ) r
    order by r.dsttype desc, r.run, r.segment`);
  const rows = found.map(({ total: _total, ...row }) => row);
  return { rows, leftOut: (found[0]?.total ?? 0) - rows.length };
}
