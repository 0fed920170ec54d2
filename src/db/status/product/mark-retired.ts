import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Retires an attempt that has ended: it no longer counts for its product.
 *
 * @returns false if it has not ended or is already retired
 * @throws DatabaseError
 */
export async function markRetired(
  status: Queryable,
  cupsid: number,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<boolean> {
  const changed = await status.execute(sql`
    update ${sql.table(status.role, 'production_status')}
    set retired_at = now() at time zone 'utc', retired_by = ${by}, retired_reason = ${reason}
    where id = ${cupsid} and retired_at is null and final_state is not null`);
  return changed > 0;
}
