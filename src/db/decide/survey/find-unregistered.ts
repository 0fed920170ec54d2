import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';

import { findFacts } from '../find-facts.ts';
import { outputNamesSql } from '../output-names.ts';

import type { Database, Session } from '#db/connect.ts';
import type { Finding } from '#model/report/funnel.ts';

import type { ProductNames } from '../product-sql.ts';

/**
 * Finds finished products, among those in `finished`, that the catalog has no file of.
 *
 * @throws DatabaseError
 */
export async function findUnregistered(
  session: Session,
  catalog: Database,
  names: ProductNames,
): Promise<Pick<Finding, 'count' | 'looked' | 'example'>> {
  const wanted = outputNamesSql(names, sql`pg_temp.finished u`);
  await session.execute(sql`truncate pg_temp.wanted, pg_temp.output`);
  await session.execute(sql`insert into pg_temp.wanted select n.filename from ${wanted}`);
  await findFacts({
    session,
    catalog,
    into: 'output',
    facts: (asked) => sql`select distinct d.filename from ${asked} w
      join ${sql.table(catalog.role, 'datasets')} d on d.filename = w.name`,
  });
  const [found] = await session.query<{ count: number; looked: number; run: number | null; segment: number | null }>(
    sql`with lost as materialized (
        select f.ordinal, f.run, f.segment from pg_temp.finished f
        where not exists (
          select from (select n.ordinal from ${wanted} join pg_temp.output using (filename)) as hit
          where hit.ordinal = f.ordinal
        )
      ), first as (select run, segment from lost order by ordinal limit 1)
      select (select count(*)::int from lost) as count, (select count(*)::int from pg_temp.finished) as looked,
        (select run from first) as run, (select segment from first) as segment`,
  );
  const { count, looked, run, segment } = assertPresent(found, 'a count');
  return { count, looked, ...(run === null || segment === null ? {} : { example: { run, segment } }) };
}
