import { sql } from '../../connect.ts';
import { groupCountsSql } from './group-counts-sql.ts';
import { findLimitedRows, selectedSql } from './query-sql.ts';

import type { ClusterRow, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts attempts by dsttype and cluster, of those clusters of which at least one was started and has not ended.
 *
 * @returns by dsttype, descending, then by cluster
 * @throws DatabaseError
 */
export function findClusters(
  status: Queryable,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<ClusterRow>> {
  const table = sql.table(status.role, 'production_status');
  const isActive = sql`p.final_state is null and p.status >= 'started'`;
  return findLimitedRows(
    status,
    sql`
      select p.dsttype, p.cluster, min(p.run) as "minRun", max(p.run) as "maxRun", ${groupCountsSql(isActive)},
        min(p.started) as "earliestStart", max(p.started) as "lastStart"
      from ${table} p
      where ${selectedSql(selection)}
        and (p.submission_id is null or p.submission_id in (
          select a.submission_id from ${table} a where a.final_state is null and a.submission_id is not null
        ))
      group by p.dsttype, p.cluster
      having bool_or(${isActive})`,
    { limit, order: sql`dsttype desc, cluster` },
  );
}
