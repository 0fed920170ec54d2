import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';
import { isOfProductionSql } from './is-of-production-sql.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { Production } from '#model/production.ts';

import type { Queryable } from '../../connect.ts';

/** What has become of the first jobs of a production. */
export interface ScoutCount {
  /** At most as many as were asked for. */
  readonly finished: number;
  /** Jobs that have not ended. */
  readonly open: number;
  readonly failed: number;
  /** One of the products that failed; absent: none failed. */
  readonly example?: string;
}

/**
 * Counts the live attempts of a production until so many have finished; then the others are not looked at. Attempts in a
 * state that is unblocked do not count: they are replaced.
 *
 * @throws DatabaseError
 */
export async function countScouts(
  status: Queryable,
  request: {
    readonly production: Production;
    readonly unblockStates: readonly JobState[];
    readonly scouts: number;
  },
): Promise<ScoutCount> {
  const attempts = sql.table(status.role, 'production_status');
  const isOfProduction = sql`${isOfProductionSql(status, request.production)}
    and p.status::text <> all (${request.unblockStates}::text[])`;
  const [done] = await status.query<{ readonly count: number }>(sql`
    select count(*)::int as count from (
      select from ${attempts} p where ${isOfProduction} and p.final_state = 'finished' limit ${request.scouts}
    ) f`);
  const finished = assertPresent(done, 'a count').count;
  if (finished >= request.scouts) return { finished, open: 0, failed: 0 };
  const [rest] = await status.query<{
    readonly open: number;
    readonly failed: number;
    readonly example: string | null;
  }>(sql`
    select count(*) filter (where p.final_state is null)::int as open,
           count(*) filter (where p.final_state = 'failed')::int as failed,
           min(p.dstfile) filter (where p.final_state = 'failed') as example
    from ${attempts} p where ${isOfProduction}`);
  const { open, failed, example } = assertPresent(rest, 'a count');
  return { finished, open, failed, ...(example === null ? {} : { example }) };
}
