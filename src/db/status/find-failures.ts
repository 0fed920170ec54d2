import { sql } from '../connect.ts';

import type { Failure } from '#model/report/site-status.ts';

import type { Queryable } from '../connect.ts';

/**
 * Finds the live attempts that failed or are held and were last heard of, the newest first.
 *
 * @throws DatabaseError
 */
export function findFailures(status: Queryable, limit: number): Promise<readonly Failure[]> {
  return status.query<Failure>(sql`
    select dstfile, rule, run, segment, status as state, exit_code as "exitCode", message as reason
    from ${sql.table(status.role, 'production_status')}
    where retired_at is null and status in ('failed', 'held')
    order by coalesce(last_message, ended, submitted) desc nulls last, id desc
    limit ${limit}`);
}
