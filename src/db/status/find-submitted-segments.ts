import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/** A run, and which of its segments were submitted; ascending, each once. */
export interface SubmittedRun {
  readonly run: number;
  readonly segments: readonly number[];
}

/**
 * Finds what submissions consist of, by run, ascending.
 *
 * @throws DatabaseError
 */
export function findSubmittedSegments(status: Queryable, uuids: readonly string[]): Promise<readonly SubmittedRun[]> {
  return status.query<SubmittedRun>(sql`
    select run, array_agg(distinct segment order by segment) as segments
    from ${sql.table(status.role, 'production_status')}
    where submission_id = any (${uuids}::uuid[])
    group by run order by run`);
}
