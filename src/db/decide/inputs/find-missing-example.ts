import { sql } from '#db/connect.ts';
import { countOf } from '#util/count-of.ts';

import { itemsSql } from '../list-sql.ts';

import type { Session } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';

/**
 * Reports which input the first candidate lacks that has the verdict `missing-inputs`, and how to see more.
 *
 * @param count how many have it; nothing is asked where none has
 * @throws DatabaseError
 */
export async function findMissingExample(session: Session, count: number): Promise<readonly DecisionWarning[]> {
  if (count === 0) return [];
  const [example] = await session.query<{ run: number; segment: number; lfn: string; path: string | null }>(
    sql`with first as materialized (
        select run, segment, files from pg_temp.undecided where verdict = 'missing-inputs' order by ordinal limit 1
      ), named as materialized (
        select run, segment, lfn, position
        from first cross join lateral unnest(${itemsSql(sql`files`)}) with ordinality as f(lfn, position)
        where lfn <> ''
      )
      select run, segment, lfn, (select min(g.path) from pg_temp.gone g where g.lfn = named.lfn) as path from named
      where not exists (select from pg_temp.location l where l.lfn = named.lfn) order by position limit 1`,
  );
  if (example === undefined) return [];
  const { run, segment, lfn, path } = example;
  const what = path === null ? `'${lfn}'` : `'${path}' no longer exists on disk`;
  const who = `${countOf(count, 'candidate')} ${count === 1 ? 'lacks' : 'lack'} inputs`;
  return [
    {
      kind: 'missing-inputs',
      count,
      message: `${who}, e.g. run ${run} segment ${segment}: ${what} (kaedama … --why ${run} ${segment})`,
    },
  ];
}
