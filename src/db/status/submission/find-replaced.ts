import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** An attempt that was replaced before it had ended. */
export interface ReplacedAttempt {
  readonly id: number;
  readonly submission: string;
}

/**
 * Finds the attempts that a submission replaces and that are not final: their jobs may still be with the batch system.
 *
 * @param backend name of the batch system that they were given to
 * @throws DatabaseError
 */
export function findReplaced(status: Queryable, uuid: string, backend: string): Promise<readonly ReplacedAttempt[]> {
  const attempts = sql.table(status.role, 'production_status');
  return status.query<ReplacedAttempt>(sql`
    select old.id, old.submission_id::text as submission
    from ${attempts} new
    join ${attempts} old on old.id = new.replaces
    join ${sql.table(status.role, 'submission')} s on s.uuid = old.submission_id
    where new.submission_id = ${uuid} and old.retired_at is not null and s.backend = ${backend}
      and old.final_state is null
    order by old.id`);
}
