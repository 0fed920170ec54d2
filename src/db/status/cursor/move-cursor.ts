import { cursorKeyOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { Production } from '#model/production.ts';

import type { Queryable, Session } from '../../connect.ts';

/** A wish to move the cursor of a production to a run; inclusive: that run is dispatched again. */
export interface CursorMove {
  readonly production: Production;
  readonly run: number;
  /** `set`: also backwards; `forward`: it stays where it is if that is further. */
  readonly kind: 'forward' | 'set';
}

/** A cursor that was moved, or stayed. */
export interface MovedCursor {
  readonly id: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Gives a production its own cursor where it has none: that of the same production with the newest other tag, if there
 * is one. A row that an older system wrote with a dotted build becomes the production's row.
 *
 * @throws DatabaseError
 */
export async function adoptCursor(status: Queryable, production: Production): Promise<void> {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  const cursors = sql.table(status.role, 'production_cursor');
  const ofProduction = sql`dsttype = ${dsttype} and replace(build, '.', '') = ${build} and version = ${version}`;
  // In one statement, so it needs no transaction of the caller; the newest row counts, as it does for a reader.
  await status.execute(sql`
    with own as (
      select id from ${cursors} where ${ofProduction} and tag = ${tag} order by build = ${build} desc, id desc limit 1
    ), renamed as (
      update ${cursors} c set build = ${build} from own where c.id = own.id and c.build <> ${build} returning c.id
    )
    insert into ${cursors} (dsttype, build, tag, version, lastrun)
    select ${dsttype}, ${build}, ${tag}, ${version}::int, lastrun from ${cursors}
    where ${ofProduction} and not exists (select from own)
    order by id desc limit 1
    on conflict do nothing`);
}

/**
 * Moves the cursor of a production, as part of a transaction of the caller; its row is made where it is missing.
 *
 * @throws DatabaseError
 */
export async function moveCursor(session: Session, { production, run, kind }: CursorMove): Promise<MovedCursor> {
  await adoptCursor(session, production);
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  const cursors = sql.table(session.role, 'production_cursor');
  await session.execute(sql`
    insert into ${cursors} (dsttype, build, tag, version, lastrun)
    values (${dsttype}, ${build}, ${tag}, ${version}, 0) on conflict do nothing`);
  const [row] = await session.query<MovedCursor>(sql`
    with old as (
      select id, lastrun from ${cursors}
      where dsttype = ${dsttype} and build = ${build} and tag = ${tag} and version = ${version} for update
    )
    update ${cursors} c
    set lastrun = case when ${kind === 'set'} then ${run}::int else greatest(c.lastrun, ${run}::int) end
    from old where c.id = old.id
    returning c.id, old.lastrun as before, c.lastrun as after`);
  if (row === undefined) throw new Error('A cursor that was just made is not there');
  return row;
}
