import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

import { sql } from '../../connect.ts';

import type { Notification, Undelivered } from '#model/report/alarm.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Takes the oldest notification that is due; others leave it alone for a while. That an alarm is over comes after that it
 * was raised.
 *
 * @param leaseMs if it is not marked by then, it is due again: its sender has probably died
 * @returns undefined if none is due
 * @throws DatabaseError
 */
export async function claimNotification(status: Queryable, leaseMs: number): Promise<Notification | undefined> {
  const outbox = sql.table(status.role, 'notification');
  const alarms = sql.table(status.role, 'alarm');
  const now = sql`(now() at time zone 'utc')`;
  const [found] = await status.query<
    Omit<Notification, 'at' | 'rule'> & { readonly at: Date; readonly rule: string | null }
  >(sql`
    update ${outbox} n set due_at = ${now} + make_interval(secs => ${leaseMs / 1000})
    from ${alarms} a
    where a.id = n.alarm_id and n.id = (
      select d.id from ${outbox} d
      where d.done_at is null and d.due_at <= ${now}
        and not exists (
          select from ${outbox} e where e.alarm_id = d.alarm_id and e.id < d.id and e.done_at is null)
      order by d.id limit 1 for update skip locked
    )
    returning n.id, n.word, a.cause, a.rule, a.what, a.advice, n.failures, n.delivered_to as "deliveredTo",
      case n.word when 'raised' then a.raised_at else a.cleared_at end as at`);
  if (found === undefined) return undefined;
  const { rule, at, ...rest } = found;
  return { ...rest, ...present({ rule: rule ?? undefined }), at: at.toISOString() };
}

/**
 * Records the result of a try.
 *
 * @param problem why a channel refused it, absent if none did: then it is done
 * @param pauseMs how long until it is tried again
 * @throws DatabaseError
 */
export async function markNotification(
  status: Queryable,
  id: number,
  {
    deliveredTo,
    problem,
    pauseMs,
  }: { readonly deliveredTo: readonly string[]; readonly problem?: string; readonly pauseMs: number },
): Promise<void> {
  const now = sql`(now() at time zone 'utc')`;
  const outbox = sql.table(status.role, 'notification');
  await status.execute(
    problem === undefined
      ? sql`
        update ${outbox} set done_at = ${now}, problem = null, delivered_to = ${deliveredTo}::text[] where id = ${id}`
      : sql`
        update ${outbox} set failures = failures + 1, problem = ${problem}, delivered_to = ${deliveredTo}::text[],
          due_at = ${now} + make_interval(secs => ${pauseMs / 1000})
        where id = ${id}`,
  );
}

/**
 * Counts the notifications that are not delivered.
 *
 * @throws DatabaseError
 */
export async function countUndelivered(status: Queryable): Promise<Undelivered> {
  const outbox = sql.table(status.role, 'notification');
  const alarms = sql.table(status.role, 'alarm');
  const [row] = await status.query<Omit<Undelivered, 'problem'> & { readonly problem: string | null }>(sql`
    select count(*)::int as count,
      coalesce(extract(epoch from (now() at time zone 'utc') - min(
        case n.word when 'raised' then a.raised_at else a.cleared_at end)), 0)::int as "oldestSeconds",
      (array_agg(n.problem order by n.due_at desc) filter (where n.problem is not null))[1] as problem
    from ${outbox} n join ${alarms} a on a.id = n.alarm_id where n.done_at is null`);
  const { problem, ...counts } = assertPresent(row, 'a count');
  return { ...counts, ...present({ problem: problem ?? undefined }) };
}
