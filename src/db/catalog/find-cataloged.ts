import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/** Finds which of these file names the catalog has, in `files` or in `datasets`. @throws DatabaseError */
export async function findCataloged(catalog: Queryable, lfns: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await catalog.query<{ lfn: string }>(sql`
    select l.lfn from unnest(${lfns}::text[]) as l (lfn)
    where exists (select from ${sql.table(catalog.role, 'files')} f where f.lfn = l.lfn)
       or exists (select from ${sql.table(catalog.role, 'datasets')} d where d.filename = l.lfn)`);
  return new Set(rows.map(({ lfn }) => lfn));
}
