import { sql } from '#db/connect.ts';

import { extraNamesOf } from '../read-query-columns.ts';
import { describeRows, findRows } from './competing-rows.ts';

import type { LateJudging, VerdictPart } from './verdict-part.ts';

/**
 * Among undecided rows of one product: later rows that are equal in every column become `repeated`; where more than
 * one different row is left, all of them become `duplicate`, since it cannot be known which is meant.
 */
async function markDuplicates({ session, columns }: LateJudging): Promise<void> {
  const content = sql.join(['dstfile', 'streamname', 'source', 'files', 'ranges'].map((name) => sql.identifier(name)));
  const extras = sql.join(
    extraNamesOf(columns).map((name) => sql`, ${name}`),
    '',
  );
  await session.execute(
    sql`with twice as (
        select dstfile from pg_temp.undecided where verdict is null group by dstfile having count(*) > 1
      ), ranked as (
        select ordinal, dstfile, row_number() over (partition by ${content} ${extras} order by ordinal) as copy
        from pg_temp.undecided join twice using (dstfile) where verdict is null
      ), products as (
        select dstfile, count(*) filter (where copy = 1) as different from ranked group by dstfile
      )
      update pg_temp.undecided as o set verdict = case when r.copy > 1 then 'repeated' else 'duplicate' end
      from ranked r join products p using (dstfile)
      where o.ordinal = r.ordinal and (r.copy > 1 or p.different > 1)`,
  );
}

/** Several rows name the product, and differ: it is not known which is right. */
export const duplicate: VerdictPart<'duplicate'> = {
  meaning: 'duplicate: different rows for one product',
  mark: async (judging) => {
    await markDuplicates(judging);
    return [];
  },
  findFact: async (explaining, { dstfile }) => ({ rows: await findRows(explaining, dstfile) }),
  describe: ({ rows }) => describeRows(rows),
};
