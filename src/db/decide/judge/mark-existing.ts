import { sql } from '#db/connect.ts';

import { findFacts } from '../find-facts.ts';
import { dstfileSql } from '../product-sql.ts';

import type { Database, Session, Statement } from '#db/connect.ts';

import type { ProductNames } from '../product-sql.ts';

/** What a product's file may end in. */
const outputExtensions = ['.root', '.prdf'] as const;

/** Names under which the products of rows without verdict may stand in the catalog: `(ordinal, filename)`. */
function outputNames(names: ProductNames): Statement {
  const row = { run: sql`u.run`, segment: sql`u.segment`, streamname: sql`u.streamname` };
  const twin = names.twin === undefined ? [] : [dstfileSql(sql`${names.twin}::text`, row, names.isStreamed)];
  const selects = [sql`u.dstfile`, ...twin].flatMap((product) =>
    outputExtensions.map(
      (extension) =>
        sql`select u.ordinal, ${product} || ${extension}::text as filename
          from pg_temp.undecided u where u.verdict is null`,
    ),
  );
  return sql`(${sql.join(selects, ' union all ')}) as n`;
}

/**
 * Gives the verdict `exists` to undecided rows whose product has a row in `datasets`, under any dataset; `note` says
 * which file it is.
 */
export async function markExisting(session: Session, catalog: Database, names: ProductNames): Promise<void> {
  await session.execute(sql`insert into pg_temp.wanted select n.filename from ${outputNames(names)}`);
  await findFacts({
    session,
    catalog,
    into: 'output',
    facts: (wanted) => sql`select distinct d.filename from ${wanted} w
      join ${sql.table(catalog.role, 'datasets')} d on d.filename = w.name`,
  });
  await session.execute(sql`truncate pg_temp.wanted`);
  await session.execute(
    sql`update pg_temp.undecided as o set verdict = 'exists', note = hit.filename
      from (select n.ordinal, min(n.filename collate "C") as filename
        from ${outputNames(names)} join pg_temp.output using (filename) group by n.ordinal) as hit
      where hit.ordinal = o.ordinal`,
  );
}
