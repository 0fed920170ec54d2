import { sql } from '../../connect.ts';
import { chosenSql, findLimitedRows, jobsSql } from './query-sql.ts';

import type { HeldRow, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';
import type { QueueJob } from './query-sql.ts';

/**
 * Finds the attempts of held jobs, also of those that have ended or are retired: a held job is there until it is removed.
 *
 * @returns by dsttype, descending, then by run and segment
 * @throws DatabaseError
 */
export function findHeldRows(
  status: Queryable,
  jobs: readonly QueueJob[],
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<HeldRow>> {
  return findLimitedRows(
    status,
    sql`
      select p.dsttype, p.run, p.segment, p.cluster, p.process, q.since, q.code as "holdCode",
        q.subcode as "holdSubcode", q.reason
      from ${jobsSql(jobs)}
      join ${sql.table(status.role, 'production_status')} p on p.id = q.cupsid and p.submission_id = q.uuid
      where ${chosenSql(selection)}`,
    { limit, order: sql`dsttype desc, run, segment` },
  );
}
