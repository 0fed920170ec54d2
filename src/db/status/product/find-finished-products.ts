import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A product that a live attempt staged out before it finished. */
export interface FinishedProduct {
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
}

/**
 * Finds the products of live finished attempts that staged theirs out, the latest attempt first.
 *
 * @param limit at most so many
 * @throws DatabaseError
 */
export function findFinishedProducts(status: Queryable, limit: number): Promise<readonly FinishedProduct[]> {
  return status.query<FinishedProduct>(sql`
    select dstfile, run, segment from ${sql.table(status.role, 'production_status')}
    where final_state = 'finished' and has_product and retired_at is null
    order by id desc limit ${limit}`);
}
