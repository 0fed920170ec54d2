import { present } from '#util/present.ts';

import { sql } from '../../connect.ts';

import type { Alarm, OpenAlarm } from '#model/report/alarm.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Raises an alarm: records that something needs a person, and puts a notification into the outbox. Call it as often as you
 * see the cause: while its alarm is open, only its sentences are brought up to date, and no one is notified again.
 *
 * @example
 * await raiseAlarm(status, {
 *   cause: `breaker:${rule}`, // KIND:THING, without numbers that change
 *   rule,
 *   what: `Rule '${rule}' is paused: 40 of its last 50 jobs failed`,
 *   advice: `Fix the cause, then 'ramenya resume ${rule}'`,
 * });
 * await markAlarmCleared(status, `breaker:${rule}`); // when it is over; harmless where there is none
 * @returns whether it is new
 * @throws DatabaseError
 * @see docs/alarms.md
 */
export async function raiseAlarm(status: Queryable, { cause, rule, what, advice }: Alarm): Promise<boolean> {
  const alarms = sql.table(status.role, 'alarm');
  const [raised] = await status.query<{ readonly id: number }>(sql`
    with raised as (
      insert into ${alarms} as a (cause, rule, what, advice) values (${cause}, ${rule ?? null}, ${what}, ${advice})
      on conflict (cause) where cleared_at is null do nothing
      returning id
    )
    insert into ${sql.table(status.role, 'notification')} (alarm_id, word) select id, 'raised' from raised
    returning alarm_id as id`);
  if (raised !== undefined) return true;
  await status.execute(sql`
    update ${alarms} set what = ${what}, advice = ${advice}, rule = ${rule ?? null}
    where cause = ${cause} and cleared_at is null and (what, advice) is distinct from (${what}, ${advice})`);
  return false;
}

/**
 * Clears the alarm of a cause: records that it is over, and puts a notification of that into the outbox. Harmless where
 * there is none.
 *
 * @returns whether there was one
 * @throws DatabaseError
 */
export async function markAlarmCleared(status: Queryable, cause: string): Promise<boolean> {
  const cleared = await status.query(sql`
    with cleared as (
      update ${sql.table(status.role, 'alarm')} set cleared_at = now() at time zone 'utc'
      where cause = ${cause} and cleared_at is null returning id
    )
    insert into ${sql.table(status.role, 'notification')} (alarm_id, word) select id, 'cleared' from cleared
    returning alarm_id`);
  return cleared.length > 0;
}

/**
 * Clears the alarms of a kind whose rules no loop runs any more: it would not be noticed that they are over.
 *
 * @param kind the part of `cause` before the colon
 * @throws DatabaseError
 */
export async function markFormerRulesCleared(status: Queryable, kind: string): Promise<void> {
  const rows = await status.query<{ readonly cause: string }>(sql`
    select cause from ${sql.table(status.role, 'alarm')} a
    where cleared_at is null and starts_with(cause, ${`${kind}:`})
      and not exists (select from ${sql.table(status.role, 'production_lease')} l where l.rule = a.rule and l.expires_at > now() at time zone 'utc')`);
  for (const { cause } of rows) await markAlarmCleared(status, cause);
}

/**
 * Replaces the open alarms of a kind: raises these, and clears all others of the kind. Only for a caller that sees all
 * causes of the kind.
 *
 * @param kind the part of `cause` before the colon
 * @throws DatabaseError
 */
export async function putAlarms(status: Queryable, kind: string, alarms: readonly Alarm[]): Promise<void> {
  for (const alarm of alarms) await raiseAlarm(status, alarm);
  const causes = new Set(alarms.map(({ cause }) => cause));
  for (const { cause } of await findAlarms(status)) {
    if (cause.startsWith(`${kind}:`) && !causes.has(cause)) await markAlarmCleared(status, cause);
  }
}

/**
 * Finds the alarms that are open, the oldest first.
 *
 * @throws DatabaseError
 */
export async function findAlarms(status: Queryable): Promise<readonly OpenAlarm[]> {
  const rows = await status.query<{
    readonly cause: string;
    readonly rule: string | null;
    readonly what: string;
    readonly advice: string;
    readonly raisedAt: Date;
  }>(sql`
    select cause, rule, what, advice, raised_at as "raisedAt"
    from ${sql.table(status.role, 'alarm')} where cleared_at is null order by raised_at, id`);
  return rows.map(({ rule, raisedAt, ...row }) => ({
    ...row,
    ...present({ rule: rule ?? undefined }),
    raisedAt: raisedAt.toISOString(),
  }));
}

/**
 * Removes alarms that have been over for `days` days and whose notifications are delivered.
 *
 * @throws DatabaseError
 */
export async function removeOldAlarms(status: Queryable, days: number): Promise<number> {
  return status.execute(sql`
    delete from ${sql.table(status.role, 'alarm')} a
    where cleared_at < (now() at time zone 'utc') - make_interval(days => ${days})
      and not exists (
        select from ${sql.table(status.role, 'notification')} n where n.alarm_id = a.id and n.done_at is null)`);
}
