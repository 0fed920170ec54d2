import { sql } from '../../connect.ts';

import type { JobState } from '#model/job/job-state.ts';

import type { Queryable } from '../../connect.ts';

/** A live attempt of a production. */
export interface LiveAttempt {
  readonly cupsid: number;
  readonly dstfile: string;
  readonly state: JobState;
  readonly isFinal: boolean;
  /** Null: an older system submitted it. */
  readonly submission: string | null;
  readonly cluster: number;
  readonly process: number;
}

/**
 * Finds the live attempts of one dstname and run.
 *
 * @param segment only this one
 * @returns by dstfile
 * @throws DatabaseError
 */
export function findLiveAttempts(
  status: Queryable,
  { dstname, run, segment }: { readonly dstname: string; readonly run: number; readonly segment?: number },
): Promise<readonly LiveAttempt[]> {
  return status.query<LiveAttempt>(sql`
    select id as cupsid, dstfile, status::text as state, final_state is not null as "isFinal",
      submission_id::text as submission, cluster, process
    from ${sql.table(status.role, 'production_status')}
    where retired_at is null and run = ${run} and dstname = ${dstname}
      and (${segment ?? null}::int is null or segment = ${segment ?? null}::int)
    order by dstfile`);
}

/**
 * Finds the products of one dstname and run that were ever attempted, whether the attempts are live or retired.
 *
 * @returns dstfiles, each once
 * @throws DatabaseError
 */
export async function findAttemptedProducts(
  status: Queryable,
  { dstname, run, segment }: { readonly dstname: string; readonly run: number; readonly segment?: number },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly dstfile: string }>(sql`
    select distinct dstfile from ${sql.table(status.role, 'production_status')}
    where run = ${run} and dstname = ${dstname} and (${segment ?? null}::int is null or segment = ${segment ?? null}::int)`);
  return rows.map(({ dstfile }) => dstfile);
}
