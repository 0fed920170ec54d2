import { present } from '#util/present.ts';

import { sql } from '../../connect.ts';
import { findOpenBreakers } from '../policy/breakers.ts';
import { countPolicyActions } from '../policy/policy-actions.ts';
import { findScoutMemories } from '../policy/scout-memory.ts';
import { findPauses } from './pauses.ts';

import type { Funnel } from '#model/report/funnel.ts';
import type { LoopRuleStatus, PassRecord, PassResult, QueueGauge, RulePause } from '#model/report/loop-status.ts';

import type { Queryable } from '../../connect.ts';

interface Row {
  readonly rule: string;
  readonly name: string | null;
  readonly process: number | null;
  readonly since: Date | null;
  readonly isSilent: boolean | null;
  readonly config: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly outcome: PassResult | null;
  readonly reason: string | null;
  readonly gauge: QueueGauge | null;
  readonly funnel: Funnel | null;
  readonly submitted: number | null;
  readonly nextAt: Date | null;
  readonly lastDispatchedAt: Date | null;
  readonly earlierFunnel: Funnel | null;
  readonly failures: number;
  readonly triggeredAt: Date | null;
  readonly triggeredOutcome: PassResult | null;
  readonly triggeredSubmitted: number | null;
  readonly triggeredRuns: number | null;
}

/**
 * Finds the rules that a loop runs, that have a recorded turn, or that are paused, by name. Turns that another loop's lease
 * prevented are ignored: they say nothing about the rule.
 *
 * @throws DatabaseError
 */
export async function findLoopRules(status: Queryable): Promise<readonly LoopRuleStatus[]> {
  const passes = sql.table(status.role, 'production_pass');
  const leases = sql.table(status.role, 'production_lease');
  const pauses = sql.table(status.role, 'rule_pause');
  const paused = new Map((await findPauses(status)).map((pause) => [pause.rule, pause]));
  const rows = await status.query<Row>(sql`
    with named as (
      select rule from ${passes} union select rule from ${leases} union select rule from ${pauses}
    )
    select n.rule, l.held_by as name, l.process, l.taken_at as since,
           l.expires_at <= now() at time zone 'utc' as "isSilent",
           p.config, p.started_at as "startedAt", p.ended_at as "endedAt", p.outcome, p.reason, p.gauge, p.funnel,
           p.submitted, p.next_at as "nextAt", d.ended_at as "lastDispatchedAt", w.funnel as "earlierFunnel", f.failures::int as failures,
           t.ended_at as "triggeredAt", t.outcome as "triggeredOutcome", t.submitted as "triggeredSubmitted",
           t.runs as "triggeredRuns"
    from named n
    left join lateral (
      select * from ${leases} l where l.rule = n.rule order by l.expires_at desc limit 1
    ) l on true
    left join lateral (
      select * from ${passes} p where p.rule = n.rule and p.outcome <> 'elsewhere' and p.runs is null order by p.id desc limit 1
    ) p on true
    left join lateral (
      select * from ${passes} d where d.rule = n.rule and d.outcome in ('dispatched', 'unchanged') order by d.id desc limit 1
    ) d on true
    left join lateral (
      select w.funnel from ${passes} w where w.rule = n.rule and w.runs is null and w.funnel is not null order by w.id desc limit 1
    ) w on true
    left join lateral (
      select ended_at, outcome, submitted, runs from ${passes} t
      where t.rule = n.rule and t.runs is not null order by t.id desc limit 1
    ) t on true
    cross join lateral (
      select count(*) as failures from ${passes} f
      where f.rule = n.rule and f.outcome = 'failed' and f.id > coalesce(
        (select max(g.id) from ${passes} g where g.rule = n.rule and g.outcome in ('dispatched', 'unchanged')), 0)
    ) f
    order by n.rule`);
  const policies = await countPolicyActions(status);
  const breakers = new Map((await findOpenBreakers(status)).map(({ rule, ...breaker }) => [rule, breaker]));
  const memories = new Map((await findScoutMemories(status)).map(({ rule, ...memory }) => [rule, memory]));
  const unwell = new Map((await findUnwell(status)).map(({ rule, ...counts }) => [rule, counts]));
  return rows.map((row) => ({
    ...toStatus(row, paused.get(row.rule)),
    ...present({
      breaker: breakers.get(row.rule),
      scoutMemory: memories.get(row.rule),
      unwell: unwell.get(row.rule),
      earlierFunnel: row.funnel === null ? (row.earlierFunnel ?? undefined) : undefined,
    }),
    policy: policies.filter(({ rule }) => rule === row.rule),
  }));
}

type Unwell = Exclude<LoopRuleStatus['unwell'], undefined>;

function findUnwell(status: Queryable): Promise<readonly (Unwell & { readonly rule: string })[]> {
  const attempts = sql.table(status.role, 'production_status');
  return status.query(sql`
    with unwell as (
      select id, rule, run, segment, 'failed' as state from ${attempts} where final_state = 'failed' and retired_at is null
      union all
      select id, rule, run, segment, 'held' from ${attempts}
      where final_state is null and status = 'held' and retired_at is null and submission_id is not null
    )
    select rule, (count(*) filter (where state = 'failed'))::int as failed,
           (count(*) filter (where state = 'held'))::int as held,
           (array_agg(run order by id desc))[1] as run, (array_agg(segment order by id desc))[1] as segment
    from unwell where rule is not null group by rule`);
}

type FromPasses = Omit<LoopRuleStatus, 'policy' | 'breaker' | 'scoutMemory' | 'unwell' | 'earlierFunnel'>;

function toStatus(row: Row, pause: RulePause | undefined): FromPasses {
  const { rule, failures } = row;
  return {
    ...{ rule, failures },
    ...present({
      loop: toLoop(row),
      last: toPass(row),
      lastTriggered: toTriggered(row),
      lastDispatchedAt: row.lastDispatchedAt?.toISOString(),
      pause,
    }),
  };
}

function toLoop({ name, process, since, isSilent }: Row): LoopRuleStatus['loop'] {
  if (name === null || process === null || since === null) return undefined;
  return { name, process, since: since.toISOString(), isSilent: isSilent === true };
}

function toTriggered(row: Row): LoopRuleStatus['lastTriggered'] {
  const { triggeredAt: endedAt, triggeredOutcome: outcome, triggeredSubmitted: submitted, triggeredRuns: runs } = row;
  if (endedAt === null || outcome === null || submitted === null || runs === null) return undefined;
  return { outcome, submitted, runs, endedAt: endedAt.toISOString() };
}

function toPass(row: Row): PassRecord | undefined {
  const { rule, config, startedAt, endedAt, outcome } = row;
  if (config === null || startedAt === null || endedAt === null || outcome === null) return undefined;
  return {
    ...{ rule, config, outcome, submitted: row.submitted ?? 0 },
    ...{ startedAt: startedAt.toISOString(), endedAt: endedAt.toISOString() },
    ...present({
      reason: row.reason ?? undefined,
      gauge: row.gauge ?? undefined,
      funnel: row.funnel ?? undefined,
      nextAt: row.nextAt?.toISOString(),
    }),
  };
}
