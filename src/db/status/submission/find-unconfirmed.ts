import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A submission of which it is not known whether the batch system has it. */
export interface UnconfirmedSubmission {
  readonly uuid: string;
  readonly rule: string;
  readonly count: number;
  /** The submission's own directory. */
  readonly directory: string | null;
  readonly ageMs: number;
  /** One of its jobs has already spoken, so it is there. */
  readonly hasSpoken: boolean;
}

/**
 * Finds the submissions of a batch system that were reserved and never confirmed, oldest first.
 *
 * @throws DatabaseError
 */
export async function findUnconfirmed(status: Queryable, backend: string): Promise<readonly UnconfirmedSubmission[]> {
  return status.query<UnconfirmedSubmission>(sql`
    select s.uuid::text as uuid, s.rule, s.count, s.directory,
           (extract(epoch from (now() at time zone 'utc') - s.reserved_at) * 1000)::float8 as "ageMs",
           exists (
             select 1 from ${sql.table(status.role, 'production_status')} p
             where p.submission_id = s.uuid and p.start >= 0
           ) as "hasSpoken"
    from ${sql.table(status.role, 'submission')} s
    where s.state = 'reserved' and s.backend = ${backend}
    order by s.reserved_at, s.uuid`);
}
