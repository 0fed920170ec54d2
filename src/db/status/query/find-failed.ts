import { sql } from '../../connect.ts';
import { findLimitedRows, selectedSql } from './query-sql.ts';

import type { FailedRow, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/** No list is longer: PostgreSQL's greatest integer. */
const everyItem = 2_147_483_647;

/**
 * Lists the runs and segments of failed attempts, by dstname and setup.
 *
 * @param limit rows at most, and runs and segments in each; 0: all
 * @returns by dstname, descending, then by setup
 * @throws DatabaseError
 */
export function findFailed(
  status: Queryable,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<FailedRow>> {
  const most = limit === 0 ? everyItem : Math.min(limit, everyItem);
  const padded = (column: string, digits: number) => sql`
    case when p.${sql.identifier(column)} >= 10 ^ ${digits - 1}::int then p.${sql.identifier(column)}::text
      else lpad(p.${sql.identifier(column)}::text, ${digits}, '0') end`;
  return findLimitedRows(
    status,
    sql`
      select p.dstname, p.prod_id as "prodId",
        (array_agg(${padded('run', 8)} || '-' || ${padded('segment', 4)} order by p.run, p.segment))[1:${most}::int]
          as "runSegments",
        count(*)::int as "numFailed"
      from ${sql.table(status.role, 'production_status')} p
      where ${selectedSql(selection)} and p.final_state = 'failed'
      group by p.dstname, p.prod_id`,
    { limit, order: sql`dstname desc, "prodId"` },
  );
}
