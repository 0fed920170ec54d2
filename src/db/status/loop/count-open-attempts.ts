import { sql } from '../../connect.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Counts the attempts that the batch system has, or is about to get, by what they do there; retired ones too, since their
 * jobs are there until they are removed. One that has not reported a start is idle, as far as is known here.
 *
 * @param rule only those of this rule; absent: of all rules
 * @throws DatabaseError
 */
export async function countOpenAttempts(status: Queryable, rule?: string): Promise<Omit<QueueGauge, 'dutyCycle'>> {
  const ofRule = rule === undefined ? sql.verbatim('') : sql`and rule = ${rule}`;
  const rows = await status.query<{ readonly state: string; readonly count: number }>(sql`
    select status::text as state, count(*)::int as count
    from ${sql.table(status.role, 'production_status')}
    where final_state is null and submission_id is not null ${ofRule}
    group by status`);
  const sum = (states: readonly string[]): number =>
    rows.filter(({ state }) => states.includes(state)).reduce((total, { count }) => total + count, 0);
  return {
    jobs: rows.reduce((total, { count }) => total + count, 0),
    idle: sum(['submitting', 'submitted', 'evicted']),
    running: sum(['started', 'running']),
    held: sum(['held']),
  };
}
