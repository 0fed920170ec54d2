import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/** The input files of an attempt, and whose it is. */
export interface AttemptInputs {
  readonly submission: string | null;
  /** Comma-separated paths. */
  readonly inputs: string;
  /** Comma-separated range tokens; null where there are none. */
  readonly ranges: string | null;
}

/**
 * Finds the inputs of an attempt: what it was dispatched with, or what this very start of the job reported instead.
 *
 * @param start the start that asks, from 0; absent: the one that reported last
 * @returns undefined where there is no such attempt
 * @throws DatabaseError
 */
export async function findInputs(
  status: Queryable,
  cupsid: number,
  start?: number,
): Promise<AttemptInputs | undefined> {
  const rows = await status.query<AttemptInputs>(sql`
    select submission_id as submission, ranges,
           case when start = ${start ?? null}::int or ${start ?? null}::int is null then inputs
                else coalesce(inputs_dispatched, inputs) end as inputs
    from ${sql.table(status.role, 'production_status')} where id = ${cupsid}`);
  return rows[0];
}
