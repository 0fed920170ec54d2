import { sql } from '../../connect.ts';
import { secondsSql } from './query-sql.ts';

import type { Statement } from '../../connect.ts';

/** The columns of `GroupCounts` over a group of rows `p` of `production_status`. @param isCounted the jobs that `numJobs` counts */
export function groupCountsSql(isCounted: Statement): Statement {
  const countOf = (states: string): Statement =>
    sql`(count(*) filter (where p.status in (${sql.verbatim(states)})))::int`;
  return sql`
    (count(*) filter (where ${isCounted}))::int as "numJobs",
    avg(${secondsSql('submitted', 'started')}) as "avgTimeToStart",
    ${countOf(`'submitting', 'submitted'`)} as "numSubmitted",
    ${countOf(`'started', 'running'`)} as "numRunning",
    ${countOf(`'finished'`)} as "numFinished",
    ${countOf(`'failed'`)} as "numFailed",
    avg(${secondsSql('started', 'ended')}) as "avgJobDuration",
    coalesce(sum(p.nevents), 0)::float8 as "sumEvents"`;
}
