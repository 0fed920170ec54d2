import { sql } from '../../connect.ts';

import type { ProductFailure, RetryDecision } from '#model/policy/retry-policy.ts';
import type { PolicyCount } from '#model/report/loop-status.ts';
import type { PolicyByAttempt } from '#model/report/why.ts';

import type { Queryable, Session } from '../../connect.ts';

/** What was decided about an attempt. */
export interface DecidedFailure {
  readonly failure: ProductFailure;
  readonly decision: RetryDecision;
}

/**
 * Records what was decided; what is recorded already stays as it is, and what changed is replaced.
 *
 * @returns the attempts about which something new was decided
 * @throws DatabaseError
 */
export async function putDecisions(
  status: Queryable,
  rule: string,
  decided: readonly DecidedFailure[],
  isActive: boolean,
): Promise<ReadonlySet<number>> {
  if (decided.length === 0) return new Set();
  const rows = decided.map(({ failure, decision }) => {
    const retry = decision.action === 'retry' ? decision : undefined;
    return {
      ...{ cupsid: failure.cupsid, dstfile: failure.dstfile, action: decision.action, reason: decision.reason },
      ...{ case_number: decision.caseNumber ?? null, memory_mb: retry?.memoryMb ?? null },
      ...{ disk_mb: retry?.diskMb ?? null, avoided_node: retry?.avoidedNode ?? null },
      due_at: retry === undefined ? null : new Date(retry.dueMs).toISOString(),
    };
  });
  const changed = await status.query<{ readonly cupsid: number }>(sql`
    insert into ${sql.table(status.role, 'policy_action')} as old
      (cupsid, dstfile, rule, is_active, action, case_number, reason, due_at, memory_mb, disk_mb, avoided_node)
    select n.cupsid, n.dstfile, ${rule}, ${isActive}, n.action, n.case_number, n.reason, n.due_at at time zone 'utc',
           n.memory_mb, n.disk_mb, n.avoided_node
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(cupsid int, dstfile text, action text, case_number int,
      reason text, due_at timestamptz, memory_mb int, disk_mb int, avoided_node text)
    on conflict (cupsid) do update set
      is_active = excluded.is_active, action = excluded.action, case_number = excluded.case_number,
      reason = excluded.reason, due_at = excluded.due_at, memory_mb = excluded.memory_mb, disk_mb = excluded.disk_mb,
      avoided_node = excluded.avoided_node, decided_at = default, done_at = null
    where (old.done_at is null or old.action = 'pause')
      and (old.is_active, old.action, old.reason, old.due_at)
        is distinct from (excluded.is_active, excluded.action, excluded.reason, excluded.due_at)
    returning cupsid`);
  return new Set(changed.map(({ cupsid }) => cupsid));
}

/**
 * Retires failed attempts whose products are to be retried, and keeps what their next attempts request. An attempt that
 * is not failed any more, or is retired, stays as it is.
 *
 * @returns how many were retired
 * @throws DatabaseError
 */
export async function markRetried(session: Session, cupsids: readonly number[]): Promise<number> {
  if (cupsids.length === 0) return 0;
  const attempts = sql.table(session.role, 'production_status');
  const actions = sql.table(session.role, 'policy_action');
  const retired = await session.query<{ readonly cupsid: number }>(sql`
    update ${attempts} p
    set retired_at = now() at time zone 'utc', retired_by = 'policy', retired_reason = a.reason
    from ${actions} a
    where a.cupsid = p.id and p.id = any(${[...cupsids]}::int[]) and p.retired_at is null and p.final_state = 'failed'
      and a.action = 'retry' and a.is_active
    returning p.id as cupsid`);
  const ids = retired.map(({ cupsid }) => cupsid);
  await session.execute(sql`
    insert into ${sql.table(session.role, 'product_request')} as old (dstfile, memory_mb, disk_mb, avoided_nodes)
    select dstfile, memory_mb, disk_mb, array_remove(array[avoided_node], null)
    from ${actions}
    where cupsid = any(${ids}::int[]) and (memory_mb is not null or disk_mb is not null or avoided_node is not null)
    on conflict (dstfile) do update set
      memory_mb = coalesce(excluded.memory_mb, old.memory_mb), disk_mb = coalesce(excluded.disk_mb, old.disk_mb),
      avoided_nodes = (select coalesce(array_agg(distinct node), '{}')
                       from unnest(old.avoided_nodes || excluded.avoided_nodes) node),
      changed_at = default`);
  await session.execute(sql`
    update ${actions} set done_at = now() at time zone 'utc' where cupsid = any(${ids}::int[])`);
  return ids.length;
}

/**
 * Records that a rule was paused because of these attempts: they do not pause it again.
 *
 * @throws DatabaseError
 */
export async function markPaused(session: Session, cupsids: readonly number[]): Promise<void> {
  await session.execute(sql`
    update ${sql.table(session.role, 'policy_action')} set done_at = now() at time zone 'utc'
    where cupsid = any(${[...cupsids]}::int[]) and action = 'pause' and is_active`);
}

/**
 * Counts what the policies of all rules have decided about attempts that are still failed or held, by rule and action.
 *
 * @throws DatabaseError
 */
export async function countPolicyActions(status: Queryable): Promise<readonly PolicyCount[]> {
  const rows = await status.query<Omit<PolicyCount, 'dueAt'> & { readonly dueAt: Date | null }>(sql`
    select a.rule, a.is_active as "isActive", a.action, count(*)::int as count,
           (array_agg(jsonb_build_object('dstfile', a.dstfile, 'reason', a.reason) order by a.cupsid desc))[1] as example,
           min(a.due_at) as "dueAt"
    from ${sql.table(status.role, 'policy_action')} a
    join ${sql.table(status.role, 'production_status')} p on p.id = a.cupsid
    where p.retired_at is null and p.status in ('failed', 'held')
    group by a.rule, a.is_active, a.action
    order by a.rule, a.action`);
  return rows.map(({ dueAt, ...row }) => ({ ...row, ...(dueAt === null ? {} : { dueAt: dueAt.toISOString() }) }));
}

/**
 * Finds what the retry policy has decided about attempts, by cupsid.
 *
 * @throws DatabaseError
 */
export async function findPolicyActions(status: Queryable, cupsids: readonly number[]): Promise<PolicyByAttempt> {
  if (cupsids.length === 0) return {};
  const rows = await status.query<PolicyByAttempt[number] & { readonly cupsid: number }>(sql`
    select cupsid, is_active as "isActive", action, reason, due_at as "dueAt"
    from ${sql.table(status.role, 'policy_action')} where cupsid = any(${[...cupsids]}::int[])`);
  return Object.fromEntries(rows.map(({ cupsid, ...row }) => [cupsid, row]));
}
