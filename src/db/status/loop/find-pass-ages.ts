import { sql } from '../../connect.ts';

import type { PassAge, PassResult } from '#model/report/loop-status.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the age of the last pass of each rule that a loop runs: over all its runs, so not a triggered one. The oldest first.
 *
 * @throws DatabaseError
 */
export async function findPassAges(status: Queryable): Promise<readonly PassAge[]> {
  return status.query<{ rule: string; seconds: number | null; outcome: PassResult | null }>(sql`
    select l.rule, extract(epoch from (now() at time zone 'utc') - p.ended_at)::float8 as seconds, p.outcome
    from (select distinct rule from ${sql.table(status.role, 'production_lease')}) l
    left join lateral (
      select ended_at, outcome from ${sql.table(status.role, 'production_pass')} p
      where p.rule = l.rule and p.outcome <> 'elsewhere' and p.runs is null order by p.id desc limit 1
    ) p on true
    order by p.ended_at nulls first, l.rule`);
}
