import { sql } from '../../connect.ts';
import { findLimitedRows, selectedSql } from './query-sql.ts';

import type { LimitedRows, QuerySelection, RunRow } from '#model/report/query-report.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the attempts that were started and have not finished.
 *
 * @returns by dsttype, descending, then by run and segment
 * @throws DatabaseError
 */
export function findRuns(status: Queryable, selection: QuerySelection, limit: number): Promise<LimitedRows<RunRow>> {
  return findLimitedRows(
    status,
    sql`
      select p.dsttype, p.run, p.segment, p.status::text as status, p.cluster, p.process
      from ${sql.table(status.role, 'production_status')} p
      where ${selectedSql(selection)} and p.status >= 'started' and p.final_state is distinct from 'finished'`,
    { limit, order: sql`dsttype desc, run, segment` },
  );
}
