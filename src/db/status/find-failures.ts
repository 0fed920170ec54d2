import { sql } from '../connect.ts';

import type { JobState } from '#model/job/job-state.ts';

import type { Queryable } from '../connect.ts';

/** A product whose live attempt failed or is held. */
export interface Failure {
  readonly dstfile: string;
  /** Null for attempts of an older system. */
  readonly rule: string | null;
  readonly run: number;
  readonly segment: number;
  readonly state: JobState;
  /** Null where nobody told one. */
  readonly exitCode: number | null;
  /** The last message of the job, or what the batch system said. */
  readonly reason: string | null;
}

/**
 * Finds the live attempts that failed or are held and were last heard of, the newest first.
 *
 * @throws DatabaseError
 */
export function findFailures(status: Queryable, limit: number): Promise<readonly Failure[]> {
  return status.query<Failure>(sql`
    select dstfile, rule, run, segment, status as state, exit_code as "exitCode", message as reason
    from ${sql.table(status.role, 'production_status')}
    where retired_at is null and status in ('failed', 'held')
    order by coalesce(last_message, ended, submitted) desc nulls last, id desc
    limit ${limit}`);
}
