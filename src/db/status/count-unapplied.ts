import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../connect.ts';

import type { UnappliedCounts } from '#model/report/site-status.ts';

import type { Queryable } from '../connect.ts';

/**
 * Counts the stageouts that are not in the catalog.
 *
 * @throws DatabaseError
 */
export async function countUnapplied(status: Queryable): Promise<UnappliedCounts> {
  const rows = await status.query<UnappliedCounts>(sql`
    select count(*) filter (where apply_note is null) as pending,
           count(*) filter (where apply_note is not null) as aside,
           coalesce(
             extract(epoch from (now() at time zone 'utc') - min(received_at) filter (where apply_note is null)), 0
           )::float8 as "oldestSeconds"
    from ${sql.table(status.role, 'production_event')}
    where kind = 'stageout' and applied_at is null`);
  return assertPresent(rows[0], 'a count');
}
