import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** How a batch system that makes no further jobs of a submission was seen. */
export interface SeenStop {
  /** `held`: an operator held it. `broken`: a job cannot be made. */
  readonly kind: 'held' | 'broken';
  readonly reason: string;
  /** Process number of the first job that is not made. */
  readonly next: number;
}

/**
 * Records that the batch system makes no further jobs of a submission; since when stays as it was first seen.
 *
 * @throws DatabaseError
 */
export async function putStop(status: Queryable, uuid: string, { kind, reason, next }: SeenStop): Promise<void> {
  await status.execute(sql`
    update ${sql.table(status.role, 'submission')}
    set stop_kind = ${kind}, stop_reason = ${reason}, stop_next = ${next},
        stopped_at = coalesce(stopped_at, now() at time zone 'utc')
    where uuid = ${uuid} and (stop_kind, stop_reason, stop_next) is distinct from (${kind}::text, ${reason}::text, ${next}::int)`);
}

/**
 * Records that the batch system makes jobs of a submission again.
 *
 * @throws DatabaseError
 */
export async function removeStop(status: Queryable, uuid: string): Promise<void> {
  await status.execute(sql`
    update ${sql.table(status.role, 'submission')}
    set stop_kind = null, stop_reason = null, stop_next = null, stopped_at = null
    where uuid = ${uuid} and stop_kind is not null`);
}
