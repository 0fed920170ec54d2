import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { sql } from '#db/connect.ts';
import { countOf } from '#util/count-of.ts';

import { encodeCopyLine, joinPieces } from '../copy-text.ts';

import type { Session, Statement } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';

import type { Disk, ListedPath } from '../decision-request.ts';

function directorySql(path: Statement): Statement {
  return sql`left(${path}, greatest(length(${path}) - length(substring(${path} from '[^/]*$')) - 1, 0))`;
}

async function* encodeLines(paths: AsyncIterable<ListedPath>): AsyncGenerator<string> {
  for await (const { path, isLink } of paths) yield encodeCopyLine([path, isLink ? 't' : 'f']);
}

async function removeDangling(session: Session, disk: Disk): Promise<void> {
  const links = await session.query<{ path: string }>(
    sql`select path from pg_temp.on_disk where is_link and path in (select path from pg_temp.location)`,
  );
  if (links.length === 0) return;
  const dangling = await disk.findDangling(links.map(({ path }) => path));
  await session.execute(sql`delete from pg_temp.on_disk where path = any(${dangling}::text[])`);
}

/**
 * Compares the places in `location` with what is on disk, directory by directory: what is not there moves to `gone`.
 * Places in directories that could not be listed stay: of these it is not known.
 *
 * @param which rows of `location`, called `l`, that are looked at
 * @returns a warning where directories are unknown
 * @throws DatabaseError
 */
export async function checkDisk(session: Session, disk: Disk, which: Statement): Promise<readonly DecisionWarning[]> {
  const directories = await session.query<{ directory: string; places: number }>(
    sql`select ${directorySql(sql`l.path`)} as directory, count(*)::int as places
      from pg_temp.location l where ${which} group by 1 order by 1`,
  );
  if (directories.length === 0) return [];
  const listing = disk.list(directories.map(({ directory }) => directory));
  await pipeline(
    Readable.from(joinPieces(encodeLines(listing.paths))),
    session.copyIn(sql`copy pg_temp.on_disk from stdin`),
  );
  await session.execute(sql`analyze pg_temp.on_disk`);
  await removeDangling(session, disk);
  const unknown = [...listing.unknown.keys()];
  await session.execute(
    sql`with lost as (
        delete from pg_temp.location l where ${which}
          and not exists (select from pg_temp.on_disk d where d.path = l.path)
          and ${directorySql(sql`l.path`)} <> all(${unknown}::text[])
        returning lfn, path
      )
      insert into pg_temp.gone select lfn, path from lost`,
  );
  const [first] = listing.unknown;
  if (first === undefined) return [];
  const places = directories.reduce((sum, one) => sum + (listing.unknown.has(one.directory) ? one.places : 0), 0);
  const message = `Whether ${countOf(places, 'input')} exist on disk is unknown: '${first[0]}': ${first[1]}`;
  const more =
    unknown.length === 1 ? '' : `, and ${countOf(unknown.length - 1, 'other directory', 'other directories')}`;
  return [{ kind: 'inputs-unknown', count: places, message: `${message}${more}` }];
}
