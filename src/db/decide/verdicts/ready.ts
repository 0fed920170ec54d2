import { sql } from '#db/connect.ts';

import { describeAttempt, shortenList } from '../explain/describe-attempt.ts';
import { findAttempt } from '../explain/find-attempt.ts';
import { commaListSql } from '../list-sql.ts';
import { nameSql } from '../product-sql.ts';

import type { Session, Statement } from '#db/connect.ts';

import type { ProductNames } from '../product-sql.ts';
import type { QueryColumns } from '../read-query-columns.ts';
import type { VerdictPart } from './verdict-part.ts';

/** Pairs in one `jsonb_build_object`: a function takes at most 100 arguments. */
const pairsAtOnce = 40;

function extraSql(columns: QueryColumns): Statement {
  const pairs = columns.extra.map((column, index) => sql`${column.name}::text, u.${sql.identifier(`x${index + 1}`)}`);
  const objects: Statement[] = [sql`'{}'::jsonb`];
  for (let start = 0; start < pairs.length; start += pairsAtOnce) {
    objects.push(sql`jsonb_build_object(${sql.join(pairs.slice(start, start + pairsAtOnce))})`);
  }
  return sql`jsonb_strip_nulls(${sql.join(objects, ' || ')})`;
}

/**
 * Fills `ready` with what is still undecided, in the query's order, at most `cap` rows; what is beyond is over the
 * limit.
 *
 * @returns how many are ready
 */
export async function putReady(
  session: Session,
  columns: QueryColumns,
  names: ProductNames,
  cap: number | undefined,
): Promise<number> {
  const row = { streamname: sql`u.streamname` };
  const name = (pattern: string): Statement => nameSql(sql`${pattern}::text`, row, names.isStreamed);
  return session.execute(
    sql`insert into pg_temp.ready (ordinal, run, segment, streamname, dsttype, dstname, dstfile, source, inputs, ranges,
        extra, replaces)
      select u.ordinal, u.run, u.segment, u.streamname, ${name(names.dsttype)}, ${name(names.dstname)}, u.dstfile,
        coalesce(u.source, ''), r.inputs,
        ${commaListSql(sql`u.ranges`)}, ${extraSql(columns)}, u.cupsid
      from pg_temp.undecided u join pg_temp.resolved r using (ordinal)
      where u.verdict is null order by u.ordinal limit ${cap ?? null}`,
  );
}

/** The verdict of a candidate that is dispatched: its inputs, and the attempt that it replaces, as the fact. */
export const ready: VerdictPart<'ready'> = {
  meaning: 'ready',
  findFact: async ({ session }, { inputs, cupsid }) => ({
    inputs: inputs ?? '',
    replaces: await findAttempt(session, cupsid),
  }),
  describe: ({ inputs, replaces }, why) => [
    ...(replaces === undefined ? [] : ['replaces an earlier attempt:', ...describeAttempt(replaces, why)]),
    ...shortenList(inputs.split(',').map((input) => `input ${input}`)),
  ],
};
