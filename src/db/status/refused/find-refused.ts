import { sql } from '../../connect.ts';

import type { RefusedReport } from '#model/report/verdict-fact.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the open refusals of live attempts, the newest first.
 *
 * @param attempts of these only; absent: of all
 * @throws DatabaseError
 */
export function findRefused(status: Queryable, cupsids?: readonly number[]): Promise<readonly RefusedReport[]> {
  return status.query<RefusedReport>(sql`
    select e.cupsid, s.dstfile, s.rule, e.detail ->> 'report' as report, e.detail ->> 'reason' as reason,
           e.detail -> 'isRemark' is not distinct from 'true' as "isRemark", e.received_at as "refusedAt"
    from ${sql.table(status.role, 'production_event')} e
    join ${sql.table(status.role, 'production_status')} s on s.id = e.cupsid
    where e.kind = 'refused' and e.applied_at is null and s.retired_at is null and s.refusal is not null
      and (${cupsids === undefined}::boolean or e.cupsid = any (${cupsids ?? []}::int[]))
    order by e.received_at desc, e.cupsid, e.sequence`);
}
