import { sql } from '../../connect.ts';
import { markAlarmCleared } from '../alarm/alarms.ts';

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
 * Ends the pause of a rule, and the alarm that a retry policy raised with it.
 *
 * @returns whether there was one
 * @throws DatabaseError
 */
export async function removePause(status: Database, rule: string): Promise<boolean> {
  return status.transaction(async (session) => {
    await markAlarmCleared(session, `paused:${rule}`);
    return (await session.execute(sql`delete from ${sql.table(session.role, 'rule_pause')} where rule = ${rule}`)) > 0;
  });
}
