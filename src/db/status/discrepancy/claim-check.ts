import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Claims a check that is made seldom: true if it was not made within the interval; then it counts as made. Of several that
 * ask at once, one gets it.
 *
 * @param name `disk`
 * @throws DatabaseError
 */
export async function claimCheck(status: Queryable, name: string, everyMs: number): Promise<boolean> {
  const claimed = await status.query(sql`
    insert into ${sql.table(status.role, 'site_check')} as c (name) values (${name})
    on conflict (name) do update set done_at = excluded.done_at
    where c.done_at <= excluded.done_at - make_interval(secs => ${everyMs / 1000})
    returning name`);
  return claimed.length > 0;
}

/**
 * Records that a check was made now, by whoever asked for it.
 *
 * @throws DatabaseError
 */
export async function recordCheck(status: Queryable, name: string): Promise<void> {
  await claimCheck(status, name, 0);
}
