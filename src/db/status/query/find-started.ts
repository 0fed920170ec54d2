import { sql } from '../../connect.ts';
import { groupCountsSql } from './group-counts-sql.ts';
import { findLimitedRows, selectedSql } from './query-sql.ts';

import type { LimitedRows, QuerySelection, StartedRow } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts attempts by dsttype, of those dsttypes of which at least one was started.
 *
 * @returns by dsttype, descending
 * @throws DatabaseError
 */
export function findStarted(
  status: Queryable,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<StartedRow>> {
  const isStarted = sql`p.status >= 'started'`;
  return findLimitedRows(
    status,
    sql`
      select p.dsttype, ${groupCountsSql(isStarted)},
        max(p.started) as "lastJobStarted", max(p.ended) as "lastJobFinished"
      from ${sql.table(status.role, 'production_status')} p
      where ${selectedSql(selection)}
      group by p.dsttype
      having bool_or(${isStarted})`,
    { limit, order: sql`dsttype desc` },
  );
}
