import { sql } from '#db/connect.ts';

import { findFacts } from '../find-facts.ts';
import { outputNamesSql } from '../output-names.ts';

import type { Database, Session } from '#db/connect.ts';

import type { ProductNames } from '../product-sql.ts';

/**
 * Gives the verdict `exists` to undecided rows whose product has a row in `datasets`, under any dataset; `note` says
 * which file it is.
 */
export async function markExisting(session: Session, catalog: Database, names: ProductNames): Promise<void> {
  const wanted = outputNamesSql(names, sql`pg_temp.undecided u where u.verdict is null`);
  await session.execute(sql`insert into pg_temp.wanted select n.filename from ${wanted}`);
  await findFacts({
    session,
    catalog,
    into: 'output',
    facts: (asked) => sql`select distinct d.filename from ${asked} w
      join ${sql.table(catalog.role, 'datasets')} d on d.filename = w.name`,
  });
  await session.execute(sql`truncate pg_temp.wanted`);
  await session.execute(
    sql`update pg_temp.undecided as o set verdict = 'exists', note = hit.filename
      from (select n.ordinal, min(n.filename collate "C") as filename
        from ${wanted} join pg_temp.output using (filename) group by n.ordinal) as hit
      where hit.ordinal = o.ordinal`,
  );
}
