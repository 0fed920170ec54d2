import { cursorKeyOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { Production } from '#model/production.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the run from which a production goes on: its own row, else the newest one of the same production with another
 * tag. A row that an older system wrote with a dotted build counts too.
 *
 * @returns 0 where there is none
 * @throws DatabaseError
 */
export async function findCursor(status: Queryable, production: Production): Promise<number> {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  const rows = await status.query<{ readonly lastrun: number }>(sql`
    select lastrun from ${sql.table(status.role, 'production_cursor')}
    where dsttype = ${dsttype} and replace(build, '.', '') = ${build} and version = ${version}
    order by tag = ${tag} desc, (tag = ${tag} and build = ${build}) desc, id desc
    limit 1`);
  return rows[0]?.lastrun ?? 0;
}
