import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/** What a production's cursor is kept under. */
export interface CursorKey {
  /** Dsttype, a stream as `_X_`. */
  readonly dsttype: string;
  /** Without dots; rows that an older system wrote with dots are found too. */
  readonly build: string;
  readonly tag: string;
  readonly version: number;
}

/**
 * Finds the run from which a production goes on: its own row, else the newest one of the same production with another
 * tag.
 *
 * @returns 0 where there is none
 * @throws DatabaseError
 */
export async function findCursor(status: Queryable, key: CursorKey): Promise<number> {
  const rows = await status.query<{ readonly lastrun: number }>(sql`
    select lastrun from ${sql.table(status.role, 'production_cursor')}
    where dsttype = ${key.dsttype} and replace(build, '.', '') = ${key.build} and version = ${key.version}
    order by tag = ${key.tag} desc, (tag = ${key.tag} and build = ${key.build}) desc, id desc
    limit 1`);
  return rows[0]?.lastrun ?? 0;
}
