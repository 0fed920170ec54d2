import { sql } from '../../connect.ts';
import { findLimitedRows, secondsSql, selectedSql } from './query-sql.ts';

import type { LimitedRows, PendingRow, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts the attempts whose state is `started` or earlier, by dsttype and setup.
 *
 * @returns by dsttype, descending
 * @throws DatabaseError
 */
export function findPending(
  status: Queryable,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<PendingRow>> {
  const seconds = secondsSql('submitting', 'submitted');
  return findLimitedRows(
    status,
    sql`
      select p.dsttype, p.prod_id as "prodId", count(*)::int as "numJobs",
        avg(${seconds}) as "avgTimeToSubmit", min(${seconds}) as "minTimeToSubmit", max(${seconds}) as "maxTimeToSubmit"
      from ${sql.table(status.role, 'production_status')} p
      where ${selectedSql(selection)} and p.final_state is null and p.status <= 'started'
      group by p.dsttype, p.prod_id`,
    { limit, order: sql`dsttype desc, "prodId"` },
  );
}
