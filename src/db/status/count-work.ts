import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../connect.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { LackingRule, WorkCounts } from '#model/report/site-status.ts';

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
  const finishedWithoutProduct = states.find(({ state }) => state === 'finished')?.lacking ?? 0;
  return {
    unconfirmed: assertPresent(submissions, 'a count').unconfirmed,
    attempts: Object.fromEntries(states.map(({ state, attempts }) => [state, attempts])),
    finishedWithoutProduct,
    ...(finishedWithoutProduct === 0 ? {} : { withoutProduct: await findLackingRules(status) }),
  };
}

function findLackingRules(status: Queryable): Promise<readonly LackingRule[]> {
  return status.query<LackingRule>(sql`
    select distinct on (count, rule) rule, count, dstfile, run, segment
    from (
      select id, rule, dstfile, run, segment, count(*) over (partition by rule)
      from ${sql.table(status.role, 'production_status')}
      where status = 'finished' and not has_product and retired_at is null
    ) lacking
    order by count desc, rule, id desc`);
}
