import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** Live attempts with reports that are not resolved; one attempt may be in both numbers. */
export interface RefusedCounts {
  /** With a report that was refused. */
  readonly refused: number;
  /** With a remark on a report. */
  readonly remarked: number;
}

/**
 * Counts the live attempts with a report that was refused, or remarked on, and that is not resolved.
 *
 * @throws DatabaseError
 */
export async function countRefused(status: Queryable): Promise<RefusedCounts> {
  // A refusal whose event was dropped is still one.
  const rows = await status.query<RefusedCounts>(sql`
    select count(*) filter (where r.is_refused is not false) as refused, count(*) filter (where r.is_remarked) as remarked
    from ${sql.table(status.role, 'production_status')} s
    left join lateral (
      select bool_or(e.detail -> 'isRemark' is distinct from 'true') as is_refused,
        bool_or(e.detail -> 'isRemark' is not distinct from 'true') as is_remarked
      from ${sql.table(status.role, 'production_event')} e
      where e.cupsid = s.id and e.kind = 'refused' and e.applied_at is null
    ) r on true
    where s.refusal is not null and s.retired_at is null`);
  return assertPresent(rows[0], 'a count');
}
