import { sql } from '../../connect.ts';
import { markAlarmCleared } from '../alarm/alarms.ts';
import { markBreakerResumed } from '../policy/breakers.ts';

import type { RulePause } from '#model/report/loop-status.ts';

import type { Database, Queryable } from '../../connect.ts';

/**
 * Finds the rules that are paused, by name.
 *
 * @throws DatabaseError
 */
export async function findPauses(status: Queryable): Promise<readonly RulePause[]> {
  const rows = await status.query<Omit<RulePause, 'at'> & { readonly at: Date }>(sql`
    select rule, reason, paused_by as by, paused_at as at
    from ${sql.table(status.role, 'rule_pause')} order by rule`);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/**
 * Pauses a rule; one that is paused gets the new reason.
 *
 * @throws DatabaseError
 */
export async function putPause(status: Queryable, { rule, reason, by }: Omit<RulePause, 'at'>): Promise<void> {
  await status.execute(sql`
    insert into ${sql.table(status.role, 'rule_pause')} (rule, reason, paused_by) values (${rule}, ${reason}, ${by})
    on conflict (rule) do update set reason = excluded.reason, paused_by = excluded.paused_by, paused_at = default`);
}

/**
 * Ends the pause of a rule, and the alarm that a retry policy or the breaker raised with it. Earlier failures do not open
 * the breaker again.
 *
 * @returns whether there was one
 * @throws DatabaseError
 */
export async function removePause(status: Database, rule: string): Promise<boolean> {
  return status.transaction(async (session) => {
    for (const kind of ['paused', 'breaker']) await markAlarmCleared(session, `${kind}:${rule}`);
    const pauses = sql.table(session.role, 'rule_pause');
    if ((await session.execute(sql`delete from ${pauses} where rule = ${rule}`)) === 0) return false;
    await markBreakerResumed(session, rule);
    return true;
  });
}
