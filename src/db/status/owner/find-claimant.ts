import { sql } from '../../connect.ts';

import type { JobState } from '#model/job/job-state.ts';

import type { Queryable } from '../../connect.ts';

/** An attempt that wants to stage out a file. */
export interface Claimant {
  readonly submission: string | null;
  /** The product. */
  readonly dstfile: string;
  readonly state: JobState;
  /** The start of the job that its state is about; -1: not known. */
  readonly start: number;
  /** Why the attempt no longer counts, if so. */
  readonly retiredReason: string | null;
}

/** Finds an attempt that wants to stage out; undefined where there is none. @throws DatabaseError */
export async function findClaimant(status: Queryable, cupsid: number): Promise<Claimant | undefined> {
  const rows = await status.query<Claimant>(sql`
    select submission_id as submission, dstfile, status as state, start,
           case when retired_at is not null then coalesce(retired_reason, 'no reason given') end as "retiredReason"
    from ${sql.table(status.role, 'production_status')} where id = ${cupsid}`);
  return rows[0];
}
