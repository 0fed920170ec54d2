import { sql } from '../../connect.ts';
import { findLimitedRows, selectedSql } from './query-sql.ts';

import type { EverythingRow, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds attempts, the newest where there are more than the limit.
 *
 * @returns by id
 * @throws DatabaseError
 */
export async function findEverything(
  status: Queryable,
  selection: QuerySelection,
  limit: number,
): Promise<LimitedRows<EverythingRow>> {
  const { rows, leftOut } = await findLimitedRows<EverythingRow>(
    status,
    sql`
      select p.dsttype, p.run, p.segment, p.cluster, p.process, p.status::text as status, p.nevents, p.started,
        p.running, p.ended, p.exit_code as "exitCode"
      from ${sql.table(status.role, 'production_status')} p
      where ${selectedSql(selection)}`,
    { limit, order: sql`p.id desc` },
  );
  return { rows: rows.toReversed(), leftOut };
}
