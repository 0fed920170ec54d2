import { sql } from '../../connect.ts';
import { isOfProductionSql } from '../loop/is-of-production-sql.ts';

import type { ProductFailure } from '#model/policy/retry-policy.ts';
import type { Production } from '#model/production.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the live attempts of a rule's production that have failed or are held, with what its retry policy has to know.
 *
 * @throws DatabaseError
 */
export async function findFailuresOfProduction(
  status: Queryable,
  rule: string,
  production: Production,
): Promise<readonly ProductFailure[]> {
  const attempts = sql.table(status.role, 'production_status');
  return status.query<ProductFailure>(sql`
    with failing as (
      select * from ${attempts} where rule = ${rule} and final_state = 'failed' and retired_at is null
      union all
      select * from ${attempts} where rule = ${rule} and final_state is null and status = 'held' and retired_at is null
        and submission_id is not null
    )
    select p.id as cupsid, p.dstfile, p.run, p.segment, p.status::text as state, p.exit_code as "exitCode",
           p.hold_code as "holdCode", p.flags::float8 as flags, p.message, p.execution_node as node,
           p.memory_mb as "memoryMb", p.disk_mb as "diskMb",
           (extract(epoch from coalesce(p.ended, p.last_message, p.submitting)) * 1000)::float8 as "sinceMs",
           f.failures::int as failures, ended_by.signal,
           coalesce(d.is_active and d.action = 'pause' and d.done_at is not null, false) as "isPauseDone", r.memory_mb as "requestedMemoryMb", r.disk_mb as "requestedDiskMb"
    from failing p
    left join ${sql.table(status.role, 'product_request')} r on r.dstfile = p.dstfile
    left join ${sql.table(status.role, 'policy_action')} d on d.cupsid = p.id
    left join lateral (
      select e.detail ->> 'signal' as signal from ${sql.table(status.role, 'production_event')} e
      where e.cupsid = p.id and e.start = p.start and e.kind = 'exited' and e.detail ? 'signal' limit 1
    ) ended_by on true
    cross join lateral (
      select count(*) as failures from ${attempts} a
      where a.dstfile = p.dstfile and a.submitted is not null and a.status in ('failed', 'held')
        and a.id > coalesce((select max(done.id) from ${attempts} done
                             where done.dstfile = p.dstfile and done.status = 'finished'), 0)
    ) f
    where ${isOfProductionSql(status, production)}
    order by p.id`);
}
