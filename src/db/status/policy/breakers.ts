import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';
import { countedEndsSql } from './counted-ends-sql.ts';

import type { EndCount, FailureCause, OpenBreaker } from '#model/policy/breaker.ts';

import type { Queryable, Session, Statement } from '../../connect.ts';

/** What ended lately, and the state of the breaker. */
export interface RecentEnds extends EndCount {
  /** Ends from here on are counted. */
  readonly countedFrom: Date;
  readonly isOpen: boolean;
}

/**
 * Counts the attempts of a rule that ended in the last `withinMs`, and since it was last resumed.
 *
 * @throws DatabaseError
 */
export async function countRecentEnds(status: Queryable, rule: string, withinMs: number): Promise<RecentEnds> {
  const count = (state: 'failed' | 'finished'): Statement =>
    sql`(select count(*)::int from (${countedEndsSql(status, state, [rule], sql`p.ended > (select since from start)`)}) e)`;
  const [row] = await status.query<Omit<RecentEnds, 'ended'> & { readonly finished: number }>(sql`
    with breaker as materialized (
      select opened_at, resumed_at from ${sql.table(status.role, 'rule_breaker')} where rule = ${rule}
    ), start as materialized (
      select greatest((now() at time zone 'utc') - make_interval(secs => ${withinMs / 1000}),
                      (select resumed_at from breaker)) as since
    )
    select ${count('failed')} as failed, ${count('finished')} as finished, (select since from start) as "countedFrom",
           exists (select from breaker where opened_at is not null) as "isOpen"`);
  const { finished, failed, ...rest } = assertPresent(row, 'a count');
  return { ended: finished + failed, failed, ...rest };
}

/**
 * Counts the attempts of a rule that ended in the `beforeMs` before a time. Those for which its breaker opened, until it was
 * resumed, say nothing about the usual failure rate and are left out.
 *
 * @throws DatabaseError
 */
export async function countEarlierEnds(
  status: Queryable,
  rule: string,
  { countedFrom, beforeMs }: { readonly countedFrom: Date; readonly beforeMs: number },
): Promise<EndCount> {
  const until = sql`(${countedFrom.toISOString()}::timestamptz at time zone 'utc')`;
  const condition = sql`p.ended <= ${until} and p.ended > ${until} - make_interval(secs => ${beforeMs / 1000})
    and not exists (select from ${sql.table(status.role, 'rule_breaker')} b
                    where b.rule = ${rule} and p.ended > b.counted_from and p.ended <= b.resumed_at)`;
  const count = (state: 'failed' | 'finished'): Statement =>
    sql`(select count(*)::int from (${countedEndsSql(status, state, [rule], condition)}) e)`;
  const [row] = await status.query<{ readonly failed: number; readonly finished: number }>(sql`
    select ${count('failed')} as failed, ${count('finished')} as finished`);
  const { failed, finished } = assertPresent(row, 'a count');
  return { ended: finished + failed, failed };
}

/**
 * Finds the most frequent kind of failure among the attempts of a rule that ended after a time.
 *
 * @returns undefined if none failed
 * @throws DatabaseError
 */
export async function findMainCause(
  status: Queryable,
  rule: string,
  countedFrom: Date,
): Promise<FailureCause | undefined> {
  const since = sql`p.ended > (${countedFrom.toISOString()}::timestamptz at time zone 'utc')`;
  const [found] = await status.query<FailureCause>(sql`
    with failed as materialized (${countedEndsSql(status, 'failed', [rule], since)}
    ), codes as (
      select exit_code, hold_code, count(*)::int as count from failed group by 1, 2 order by 3 desc, 1, 2 limit 1
    ), alike as (
      select f.message, f.execution_node as node from failed f join codes c
        on f.exit_code is not distinct from c.exit_code and f.hold_code is not distinct from c.hold_code
    ), worded as (
      -- Messages of one kind name different runs and files.
      select min(message) as message from alike where message <> ''
      group by regexp_replace(message, '[0-9]+', '0', 'g') order by count(*) desc, 1 limit 1
    ), placed as (
      select node, count(*)::int as count from alike where node is not null group by node order by 2 desc, 1 limit 1
    )
    select c.exit_code as "exitCode", c.hold_code as "holdCode", c.count, w.message, n.node,
           coalesce(n.count, 0) as "nodeCount"
    from codes c left join worded w on true left join placed n on true`);
  return found;
}

/**
 * Records that the breaker of a rule is open; since when stays as it is if it was open.
 *
 * @throws DatabaseError
 */
export async function putOpenBreaker(
  status: Queryable,
  { rule, isActive, reason, countedFrom }: Omit<OpenBreaker, 'openedAt'> & { readonly countedFrom: Date },
): Promise<void> {
  const from = sql`(${countedFrom.toISOString()}::timestamptz at time zone 'utc')`;
  await status.execute(sql`
    insert into ${sql.table(status.role, 'rule_breaker')} as old (rule, opened_at, is_active, reason, counted_from)
    values (${rule}, now() at time zone 'utc', ${isActive}, ${reason}, ${from})
    on conflict (rule) do update set
      opened_at = coalesce(old.opened_at, excluded.opened_at), is_active = excluded.is_active, reason = excluded.reason,
      counted_from = case when old.opened_at is null then excluded.counted_from else old.counted_from end`);
}

/**
 * Records that the failure rate of a rule is as usual again, without anyone having paused it.
 *
 * @throws DatabaseError
 */
export async function markBreakerClosed(status: Queryable, rule: string): Promise<void> {
  await status.execute(sql`
    update ${sql.table(status.role, 'rule_breaker')} set opened_at = null, reason = null, counted_from = null
    where rule = ${rule} and opened_at is not null`);
}

/**
 * Records that a person resumed a rule: what has failed until now does not open its breaker again, nor does it belong to
 * the usual failure rate if it had opened it.
 *
 * @throws DatabaseError
 */
export async function markBreakerResumed(session: Session, rule: string): Promise<void> {
  await session.execute(sql`
    insert into ${sql.table(session.role, 'rule_breaker')} as old (rule, resumed_at)
    values (${rule}, now() at time zone 'utc')
    on conflict (rule) do update set
      resumed_at = excluded.resumed_at, opened_at = null, reason = null,
      counted_from = case when old.opened_at is not null then old.counted_from end`);
}

/**
 * Finds the breakers that are open, by rule.
 *
 * @throws DatabaseError
 */
export async function findOpenBreakers(status: Queryable): Promise<readonly OpenBreaker[]> {
  const rows = await status.query<Omit<OpenBreaker, 'openedAt'> & { readonly openedAt: Date }>(sql`
    select rule, is_active as "isActive", reason, opened_at as "openedAt"
    from ${sql.table(status.role, 'rule_breaker')} where opened_at is not null order by rule`);
  return rows.map((row) => ({ ...row, openedAt: row.openedAt.toISOString() }));
}
