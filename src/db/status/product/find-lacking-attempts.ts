import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A live attempt that has ended, and that staged out no file of its product's name. */
export interface LackingAttempt {
  /** The cupsid. */
  readonly id: number;
  readonly dstfile: string;
  readonly state: 'finished' | 'failed';
  readonly start: number;
  /** Absolute paths in which its product may lie. */
  readonly directories: readonly string[];
}

/**
 * Finds live attempts that have ended without their product and whose output directories are known, the latest first.
 *
 * @param rule attempts of this rule only
 * @param limit at most so many
 * @throws DatabaseError
 */
export function findLackingAttempts(
  status: Queryable,
  rule: string | undefined,
  limit: number,
): Promise<readonly LackingAttempt[]> {
  return status.query<LackingAttempt>(sql`
    select s.id, s.dstfile, s.final_state as state, s.start, b.product_directories as directories
    from ${sql.table(status.role, 'production_status')} s
    join ${sql.table(status.role, 'submission')} b on b.uuid = s.submission_id
    where not s.has_product and s.retired_at is null and b.product_directories is not null
      and (${rule ?? null}::text is null or s.rule = ${rule ?? null})
    order by s.id desc
    limit ${limit}`);
}
