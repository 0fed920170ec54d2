import { sql } from '../../connect.ts';

import type { Deadlines } from '#model/job/deadlines.ts';

import type { Queryable } from '../../connect.ts';

/** Live attempts of a rule that are in a state for longer than its deadline. */
export interface LateAttempts {
  readonly rule: string;
  readonly state: keyof Deadlines;
  readonly count: number;
  /** The product that is longest in it. */
  readonly dstfile: string;
  /** For how long. */
  readonly seconds: number;
  /** How long an attempt may be in it. */
  readonly allowedSeconds: number;
}

/**
 * Finds the live attempts that are in a state for longer than its deadline, by rule and state. The deadlines of a rule replace those of
 * the site.
 *
 * @throws DatabaseError
 */
export async function findLateAttempts(status: Queryable, deadlines: Deadlines): Promise<readonly LateAttempts[]> {
  return status.query<LateAttempts>(sql`
    with deadline as (
      select key as state, value::float8 / 1000 as seconds from jsonb_each_text(${JSON.stringify(deadlines)}::jsonb)
    ), open as (
      select coalesce(rule, dsttype) as rule, status::text as state, dstfile,
             extract(epoch from (now() at time zone 'utc') - case status::text
               when 'submitting' then submitting when 'submitted' then submitted when 'started' then started
               when 'running' then running else last_message end) as seconds
      from ${sql.table(status.role, 'production_status')}
      where final_state is null and submission_id is not null and retired_at is null
    )
    select o.rule, o.state, count(*)::int as count, (array_agg(o.dstfile order by o.seconds desc))[1] as dstfile,
           max(o.seconds)::int as seconds, min(coalesce(r.seconds, d.seconds))::float8 as "allowedSeconds"
    from open o join deadline d on d.state = o.state
    left join ${sql.table(status.role, 'rule_deadline')} r on r.rule = o.rule and r.state = o.state
    where o.seconds > coalesce(r.seconds, d.seconds)
    group by o.rule, o.state order by o.rule, o.state`);
}
