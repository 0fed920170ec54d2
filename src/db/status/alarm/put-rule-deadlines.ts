import { sql } from '../../connect.ts';

import type { Deadlines } from '#model/job/deadlines.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Records the deadlines of a rule, which replace those that it had: every loop of the site raises the alarms of all rules.
 *
 * @param deadlines in ms; states without one have that of the site
 * @throws DatabaseError
 */
export async function putRuleDeadlines(status: Queryable, rule: string, deadlines: Partial<Deadlines>): Promise<void> {
  const table = sql.table(status.role, 'rule_deadline');
  await status.execute(sql`
    with wanted as (
      select key as state, value::float8 / 1000 as seconds from jsonb_each_text(${JSON.stringify(deadlines)}::jsonb)
    ), removed as (
      delete from ${table} where rule = ${rule} and state not in (select state from wanted)
    )
    insert into ${table} as d (rule, state, seconds) select ${rule}, state, seconds from wanted
    on conflict (rule, state) do update set seconds = excluded.seconds where d.seconds <> excluded.seconds`);
}
