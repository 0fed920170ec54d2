import { sql } from '../../connect.ts';

import type { LoopIdentity } from '#model/lease.ts';

import type { Queryable } from '../../connect.ts';

/** A run of which files were registered that a rule may read. */
export interface TriggeredRun {
  readonly rule: string;
  readonly run: number;
  /** Number of registrations so far; see {@link removeTriggeredRuns}. */
  readonly arrivals: number;
}

/**
 * Finds the runs that were triggered and not decided since, the longest waiting first.
 *
 * @param rules only these
 * @param limit runs of each rule
 * @throws DatabaseError
 */
export function findTriggeredRuns(
  status: Queryable,
  loop: LoopIdentity,
  rules: readonly string[],
  limit: number,
): Promise<readonly TriggeredRun[]> {
  return status.query<TriggeredRun>(sql`
    select rule, run, arrivals from unnest(${rules}::text[]) as wanted (name)
    cross join lateral (
      select * from ${sql.table(status.role, 'triggered_run')}
      where holder = ${loop.uuid} and rule = wanted.name order by since, run limit ${limit}
    ) t`);
}
