import { sql } from '../../connect.ts';

import type { LoopIdentity } from '#model/lease.ts';

import type { Queryable } from '../../connect.ts';
import type { TriggeredRun } from './find-triggered-runs.ts';

/**
 * Removes triggers after a pass. A run of which more files were registered in the meantime stays.
 *
 * @param runs as they were found before the pass
 * @throws DatabaseError
 */
export async function removeTriggeredRuns(
  status: Queryable,
  loop: LoopIdentity,
  runs: readonly TriggeredRun[],
): Promise<void> {
  if (runs.length === 0) return;
  await status.execute(sql`
    delete from ${sql.table(status.role, 'triggered_run')} t
    using unnest(${runs.map(({ rule }) => rule)}::text[], ${runs.map(({ run }) => run)}::int[],
      ${runs.map(({ arrivals }) => arrivals)}::bigint[]) as done (rule, run, arrivals)
    where t.holder = ${loop.uuid} and t.rule = done.rule and t.run = done.run and t.arrivals = done.arrivals`);
}
