import { sql } from '../../connect.ts';

import type { SignCounts } from '#model/report/site-status.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts live attempts that have not ended and sent a sign of life, with the ages of the newest and the oldest one.
 *
 * @returns undefined where there is none
 * @throws DatabaseError
 */
export async function countSigns(status: Queryable): Promise<SignCounts | undefined> {
  const [counts] = await status.query<SignCounts>(sql`
    select count(*) as attempts,
      extract(epoch from (now() at time zone 'utc') - max(g.received_at))::int as "newestSeconds",
      extract(epoch from (now() at time zone 'utc') - min(g.received_at))::int as "oldestSeconds"
    from ${sql.table(status.role, 'sign_of_life')} g
    join ${sql.table(status.role, 'production_status')} s on s.id = g.cupsid
    where s.final_state is null and s.retired_at is null and g.start >= s.start`);
  return counts === undefined || counts.attempts === 0 ? undefined : counts;
}
