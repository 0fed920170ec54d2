import { sql } from '#db/connect.ts';

import { dstfileSql } from './product-sql.ts';

import type { Statement } from '#db/connect.ts';

import type { ProductNames } from './product-sql.ts';

/** What a product's file may end in. */
const outputExtensions = ['.root', '.prdf'] as const;

/**
 * Names under which the products of some rows may stand in the catalog, as a table `n (ordinal, filename)`.
 *
 * @param rows a table expression called `u` with ordinal, run, segment, streamname and dstfile, and what narrows it down
 */
export function outputNamesSql(names: ProductNames, rows: Statement): Statement {
  const row = { run: sql`u.run`, segment: sql`u.segment`, streamname: sql`u.streamname` };
  const twin = names.twin === undefined ? [] : [dstfileSql(sql`${names.twin}::text`, row, names.isStreamed)];
  const selects = [sql`u.dstfile`, ...twin].flatMap((product) =>
    outputExtensions.map(
      (extension) => sql`select u.ordinal, ${product} || ${extension}::text as filename from ${rows}`,
    ),
  );
  return sql`(${sql.join(selects, ' union all ')}) as n`;
}
