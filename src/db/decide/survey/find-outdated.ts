import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';

import { findFacts } from '../find-facts.ts';
import { itemsSql } from '../list-sql.ts';

import type { Database, Session } from '#db/connect.ts';
import type { Finding } from '#model/report/funnel.ts';

/** Inputs that are looked up at most: about a second. */
const inputsAtMost = 200_000;

// Finished attempts, with the inputs that they were given; and what exists, with its attempt or the files of its row.
async function putAging(session: Session): Promise<void> {
  const attempts = sql.table(session.role, 'production_status');
  await session.execute(
    sql`insert into pg_temp.aging (ordinal, run, segment, name, since, product)
      select ordinal, run, segment, substring(path from '[^/]*$'), since, product
      from (
        select f.ordinal, f.run, f.segment, coalesce(p.started, p.running, p.ended) as since, null::text as product,
          regexp_split_to_table(coalesce(p.inputs_dispatched, p.inputs), '[,[:space:]]+') as path
        from (select * from pg_temp.finished order by ordinal desc limit ${inputsAtMost}) f join ${attempts} p on p.id = f.cupsid
        union all
        select u.ordinal, u.run, u.segment, null, u.note, unnest(${itemsSql(sql`u.files`)})
        from (select * from pg_temp.undecided where verdict = 'exists' order by ordinal desc limit ${inputsAtMost}) u
      ) as given
      where path <> '' order by ordinal desc limit ${inputsAtMost}`,
  );
}

/**
 * Finds products that are older than an input: the catalog registered it after the product's attempt had started, or,
 * where the product has none, after the product itself. A further copy of a file that was there before is not newer.
 *
 * @throws DatabaseError
 */
export async function findOutdated(
  session: Session,
  catalog: Database,
): Promise<Pick<Finding, 'count' | 'looked' | 'example'>> {
  await putAging(session);
  await session.execute(sql`truncate pg_temp.wanted`);
  await session.execute(
    sql`insert into pg_temp.wanted select distinct name from (
        select name from pg_temp.aging union all select product from pg_temp.aging where product is not null) as n`,
  );
  await findFacts({
    session,
    catalog,
    into: 'registration',
    facts: (asked) => sql`select f.lfn, f.full_file_path, f.time, f.size, f.md5 from ${asked} w
      join ${sql.table(catalog.role, 'files')} f on f.lfn = w.name`,
  });
  await session.execute(
    sql`update pg_temp.aging a set since = m.time
      from (select lfn, max(time) as time from pg_temp.registration group by lfn) m where m.lfn = a.product`,
  );
  await session.execute(sql`analyze pg_temp.aging`);
  const [found] = await session.query<{ count: number; looked: number; run: number | null; segment: number | null }>(
    sql`with old as materialized (
        select distinct a.ordinal, a.run, a.segment from pg_temp.aging a join pg_temp.registration r on r.lfn = a.name
        where ${isNewerSql()}
      ), first as (select run, segment from old order by ordinal limit 1)
      select (select count(*)::int from old) as count, (select count(distinct ordinal)::int from pg_temp.aging) as looked,
        (select run from first) as run, (select segment from first) as segment`,
  );
  const { count, looked, run, segment } = assertPresent(found, 'a count');
  return { count, looked, ...(run === null || segment === null ? {} : { example: { run, segment } }) };
}

function isNewerSql() {
  return sql`r.time > a.since and not exists (
    select from pg_temp.registration o
    where o.lfn = r.lfn and o.time <= a.since and o.size = r.size and o.md5 = r.md5)`;
}
