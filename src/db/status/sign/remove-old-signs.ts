import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** Removes the signs of life of attempts that have ended. @returns how many @throws DatabaseError */
export function removeOldSigns(status: Queryable): Promise<number> {
  return status.execute(sql`
    delete from ${sql.table(status.role, 'sign_of_life')} g
    using ${sql.table(status.role, 'production_status')} s
    where s.id = g.cupsid and s.final_state is not null`);
}
