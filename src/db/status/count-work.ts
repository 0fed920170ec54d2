import { sql } from '../connect.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { WorkCounts } from '#model/report/site-status.ts';

import type { Queryable } from '../connect.ts';

/**
 * Counts unconfirmed submissions, and live attempts by state.
 *
 * @throws DatabaseError
 */
export async function countWork(status: Queryable): Promise<WorkCounts> {
  const [submissions] = await status.query<{ unconfirmed: number }>(
    sql`select count(*) as unconfirmed from ${sql.table(status.role, 'submission')} where state = 'reserved'`,
  );
  const states = await status.query<{ state: JobState; attempts: number; lacking: number }>(sql`
    select status as state, count(*) as attempts, count(*) filter (where not has_product) as lacking
    from ${sql.table(status.role, 'production_status')}
    where retired_at is null
    group by status order by status`);
  return {
    unconfirmed: submissions?.unconfirmed ?? 0,
    attempts: Object.fromEntries(states.map(({ state, attempts }) => [state, attempts])),
    finishedWithoutProduct: states.find(({ state }) => state === 'finished')?.lacking ?? 0,
  };
}
