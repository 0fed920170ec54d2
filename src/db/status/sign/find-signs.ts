import { sql } from '../../connect.ts';

import type { KnownSign } from '#model/job/sign-of-life.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the latest signs of life of attempts that have not ended.
 *
 * @returns at most one an attempt; those without any are left out
 * @throws DatabaseError
 */
export function findSigns(status: Queryable, cupsids: readonly number[]): Promise<readonly KnownSign[]> {
  return status.query<KnownSign>(sql`
    select g.cupsid, g.start, g.sequence, g.received_at as "receivedAt",
           extract(epoch from (now() at time zone 'utc') - g.received_at)::int as "secondsAgo", g.events,
           g.memory_bytes as "memoryBytes", g.disk_bytes as "diskBytes"
    from ${sql.table(status.role, 'sign_of_life')} g
    join ${sql.table(status.role, 'production_status')} s on s.id = g.cupsid
    where g.cupsid = any (${cupsids}::int[]) and s.final_state is null and g.start >= s.start
    order by g.cupsid`);
}
