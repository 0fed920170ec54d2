import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';
import { selectedSql } from './query-sql.ts';

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
  const table = sql.table(status.role, 'production_status');
  const most = limit === 0 ? null : limit;
  // By the index over ids; the others are counted apart, and only if there are any, for rows of this report are many.
  const rows = await status.query<EverythingRow>(sql`
    select p.dsttype, p.run, p.segment, p.cluster, p.process, p.status::text as status, p.nevents, p.started,
      p.running, p.ended, p.exit_code as "exitCode"
    from ${table} p
    where ${selectedSql(selection)}
    order by p.id desc limit ${most}::bigint`);
  if (rows.length !== most) return { rows: rows.toReversed(), leftOut: 0 };
  const [counted] = await status.query<{ readonly count: number }>(sql`
    select count(*) as count from ${table} p where ${selectedSql(selection)}`);
  return { rows: rows.toReversed(), leftOut: assertPresent(counted, 'a count').count - rows.length };
}
