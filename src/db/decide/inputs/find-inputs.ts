import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { sql } from '#db/connect.ts';
import { countOf } from '#util/count-of.ts';

import { encodeCopyLine, joinPieces } from '../copy-text.ts';
import { findFacts } from '../find-facts.ts';
import { itemsSql } from '../list-sql.ts';
import { checkDisk } from './check-disk.ts';

import type { Database, Session, Statement } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';

import type { Disk, InputSource, ListedFile } from '../decision-request.ts';

/**
 * Whether a path can be handed to a job as the place of an lfn: it ends in that name (payloads sort their inputs by
 * basename) and holds neither blank nor comma (lists of inputs are cut there).
 */
function usableSql(path: Statement, lfn: Statement): Statement {
  // As a case the planner takes it for true in half of the rows; as two conditions in one of 200, and then it makes a hash
  // that is much too small: twice the time, measured.
  return sql`(case when right(${path}, length(${lfn}) + 1) = '/' || ${lfn} then ${path} !~ '[[:space:],]' else false end)`;
}

async function* encodeLines(files: AsyncIterable<ListedFile>): AsyncGenerator<string> {
  for await (const { basename, path } of files) yield encodeCopyLine([basename, path]);
}

// One name, several places: the newest registration, since old copies are the ones that are cleaned away. Where the disk
// is looked at, the newest of those that are there.
async function findInCatalog(
  session: Session,
  catalog: Database,
  disk: Disk | undefined,
): Promise<readonly DecisionWarning[]> {
  await session.execute(sql`insert into pg_temp.wanted select distinct lfn from pg_temp.needed`);
  const newest = sql`f.time desc nulls last, f.full_host_name collate "C", f.full_file_path collate "C"`;
  await findFacts({
    session,
    catalog,
    into: 'location',
    facts: (
      wanted,
    ) => sql`select ${disk === undefined ? sql`distinct on (f.lfn collate "C")` : sql``} f.lfn, f.full_file_path,
        ${disk === undefined ? sql`1` : sql`(row_number() over (partition by f.lfn order by ${newest}))::int`}
      from ${wanted} w join ${sql.table(catalog.role, 'files')} f on f.lfn = w.name
      where ${usableSql(sql`f.full_file_path`, sql`f.lfn`)}
      ${disk === undefined ? sql`order by f.lfn collate "C", ${newest}` : sql``}`,
  });
  if (disk === undefined) return [];
  const warnings = await checkDisk(session, disk, sql`true`);
  await session.execute(
    sql`delete from pg_temp.location l using pg_temp.location better where better.lfn = l.lfn and better.rank < l.rank`,
  );
  return warnings;
}

async function findInListing(session: Session, files: AsyncIterable<ListedFile>): Promise<readonly DecisionWarning[]> {
  await pipeline(Readable.from(joinPieces(encodeLines(files))), session.copyIn(sql`copy pg_temp.listing from stdin`));
  await session.execute(sql`analyze pg_temp.listing (basename)`);
  // Only what a candidate needs: 200,000 files are listed for the few inputs of a usual pass.
  const [twice] = await session.query<{ count: number; example: string | null }>(
    sql`with found as materialized (
        select basename, count(*) as copies, max(path collate "C") filter (where ${usableSql(sql`path`, sql`basename`)}) as path
        from pg_temp.listing where basename in (select lfn from pg_temp.needed) group by basename
      ), kept as (
        insert into pg_temp.location select basename, path from found where path is not null
      )
      select count(*)::int as count, min(basename collate "C") as example from found where copies > 1`,
  );
  await session.execute(sql`analyze pg_temp.location (lfn)`);
  if (twice === undefined || twice.count === 0) return [];
  const message = `${countOf(twice.count, 'basename')} listed more than once, e.g. '${twice.example}': the last path in sort order is used`;
  return [{ kind: 'listed-twice', count: twice.count, message }];
}

/**
 * Finds the inputs of undecided rows and gives the verdict `missing-inputs` to those that lack one; `resolved` holds
 * the paths, comma-separated, in the order of the query's `files`.
 */
export async function findInputs(
  session: Session,
  catalog: Database,
  source: InputSource,
): Promise<readonly DecisionWarning[]> {
  await session.execute(
    sql`insert into pg_temp.needed select u.ordinal, f.position, f.lfn
      from pg_temp.undecided u
      cross join lateral unnest(${itemsSql(sql`u.files`)}) with ordinality as f(lfn, position)
      where u.verdict is null and f.lfn <> ''`,
  );
  let warnings: readonly DecisionWarning[] = [];
  if (source.kind === 'names') {
    await session.execute(sql`insert into pg_temp.location select distinct lfn, lfn from pg_temp.needed`);
  } else {
    await session.execute(sql`analyze pg_temp.needed (ordinal, lfn)`);
    if (source.kind === 'catalog') warnings = await findInCatalog(session, catalog, source.disk);
    else warnings = await findInListing(session, source.files);
  }
  await session.execute(
    sql`insert into pg_temp.resolved
      select n.ordinal, string_agg(l.path, ',' order by n.position), count(*) filter (where l.path is null)
      from pg_temp.needed n left join pg_temp.location l using (lfn) group by n.ordinal`,
  );
  await session.execute(sql`analyze pg_temp.resolved (ordinal, missing)`);
  await session.execute(
    sql`update pg_temp.undecided as u set verdict = 'missing-inputs' from pg_temp.resolved r
      where r.ordinal = u.ordinal and r.missing > 0`,
  );
  return warnings;
}
