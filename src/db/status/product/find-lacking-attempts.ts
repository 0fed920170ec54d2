import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A live attempt that has ended, and that staged out no file of its product's name. */
export interface LackingAttempt {
  /** The cupsid. */
  readonly id: number;
  readonly dstfile: string;
  readonly state: 'finished' | 'failed';
  readonly start: number;
  /** Its job ended without an error: it is failed only where the rule requires the product (`product: required`). */
  readonly isSuccess: boolean;
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
    select s.id, s.dstfile, s.final_state as state, s.start, b.product_directories as directories,
      s.final_state = 'finished' or coalesce(e.is_success, false) as "isSuccess"
    from ${sql.table(status.role, 'production_status')} s
    join ${sql.table(status.role, 'submission')} b on b.uuid = s.submission_id
    left join lateral (
      select f.is_success from ${sql.table(status.role, 'fold_events')}(array[s.id]) f
      where s.final_state = 'failed' and b.is_product_required
    ) e on true
    where not s.has_product and s.retired_at is null and b.product_directories is not null
      and (${rule ?? null}::text is null or s.rule = ${rule ?? null})
    order by s.id desc
    limit ${limit}`);
}
