import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';
import { countedEndsSql } from './counted-ends-sql.ts';

import type { NodeRate, NodeSettings } from '#model/policy/bad-node.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** A job that fails faster than this is quick, and so is one that fails in a quarter of the usual time of its rule. */
const quickSeconds = 60;

/**
 * Finds the rules of which so many products failed lately on one node that it may be bad.
 *
 * @param rules names of rules that may have jobs
 * @throws DatabaseError
 */
export async function findSuspectRules(
  status: Queryable,
  rules: readonly string[],
  settings: NodeSettings,
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly rule: string }>(sql`
    with failed as materialized (
      select e.rule, e.execution_node as node, e.dstfile
      from (${countedEndsSql(status, 'failed', rules, sinceSql(settings))}) e where ${isNodeSql(sql`e.execution_node`)}
    )
    select distinct rule from failed where node in (
      select node from failed group by node having count(distinct dstfile) >= ${settings.failures}
    ) order by rule`);
  return rows.map(({ rule }) => rule);
}

/**
 * Finds what became of the jobs of these rules on each node lately. What ended on a node before a person allowed it does not
 * count.
 *
 * @throws DatabaseError
 */
export async function findNodeRates(
  status: Queryable,
  rules: readonly string[],
  settings: NodeSettings,
): Promise<readonly NodeRate[]> {
  const attempts = sql.table(status.role, 'production_status');
  const seconds = sql`coalesce(extract(epoch from p.ended - p.started), p.wall_seconds, 0)`;
  const since = sinceSql(settings);
  return status.query<NodeRate>(sql`
    with quick as materialized (
      select r.rule, greatest(${quickSeconds}, coalesce(
        (select percentile_cont(0.5) within group (order by f.seconds) from (
           select ${seconds} as seconds from ${attempts} p
           where p.rule = r.rule and p.final_state = 'finished' order by p.ended desc limit 1000) f), 0) / 4) as seconds
      from unnest(${[...rules]}::text[]) r (rule)
    ), ends as (
      select p.rule, p.execution_node as node, p.dstfile, p.final_state = 'failed' as "isFailed", p.ended,
             p.final_state = 'failed' and ${seconds} < q.seconds as "isQuick"
      from (${countedEndsSql(status, 'failed', rules, since)} union all ${countedEndsSql(status, 'finished', rules, since)}) p
      join quick q on q.rule = p.rule
      left join ${sql.table(status.role, 'bad_node')} b on b.node = p.execution_node
      where ${isNodeSql(sql`p.execution_node`)} and (b.allowed_at is null or p.ended > b.allowed_at)
    ), jobs as (
      select * from ends
      union all
      select p.rule, p.execution_node, p.dstfile, false, null, false
      from ${attempts} p join quick q on q.rule = p.rule
      where p.final_state is null and p.submission_id is not null and p.retired_at is null
        and p.status in ('started', 'running') and ${isNodeSql(sql`p.execution_node`)}
        and p.started < (now() at time zone 'utc') - make_interval(secs => q.seconds)
    )
    select rule, node, count(*)::int as jobs, (count(*) filter (where "isFailed"))::int as failed,
           (count(distinct dstfile) filter (where "isQuick"))::int as quick,
           (extract(epoch from max(ended) filter (where "isQuick")) * 1000)::float8 as "lastMs"
    from jobs group by rule, node order by rule, node`);
}

/**
 * Counts the nodes on which jobs of these rules ended lately, or run.
 *
 * @throws DatabaseError
 */
export async function countNodes(status: Queryable, rules: readonly string[], settings: NodeSettings): Promise<number> {
  const attempts = sql.table(status.role, 'production_status');
  const [row] = await status.query<{ readonly count: number }>(sql`
    select count(distinct node)::int as count from (
      select p.execution_node as node from ${attempts} p
      where p.rule = any(${[...rules]}::text[]) and p.final_state in ('failed', 'finished') and ${sinceSql(settings)}
      union all
      select execution_node from ${attempts}
      where final_state is null and submission_id is not null and retired_at is null
    ) n where ${isNodeSql(sql`node`)}`);
  return assertPresent(row, 'a count').count;
}

/** A job that started without a report has an unknown node. */
function isNodeSql(column: Statement): Statement {
  return sql`${column} <> 'unknown'`;
}

function sinceSql({ withinMs }: NodeSettings): Statement {
  return sql`p.ended > (now() at time zone 'utc') - make_interval(secs => ${withinMs / 1000})`;
}
