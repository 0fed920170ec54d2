import { sql } from '#db/connect.ts';

import { namesHoldRunSql } from '../judge/holds-run-sql.ts';
import { dstfileSql } from '../product-sql.ts';
import { findAttempts } from './find-attempt.ts';

import type { Session, Statement } from '#db/connect.ts';
import type { BlockingAttempt } from '#model/report/verdict-fact.ts';

import type { Decision } from '../decide.ts';

/** So many products on either side of the run are looked at: runs that are merged lie near each other. */
const productsAside = 1000;

/** More streams than any detector has. */
const streamsAtMost = 200;

async function findStreams(session: Session, isStreamed: boolean): Promise<readonly (string | null)[]> {
  if (!isStreamed) return [null];
  const streams = await session.query<{ streamname: string }>(
    sql`select distinct streamname from pg_temp.judged where streamname is not null order by 1 limit ${streamsAtMost}`,
  );
  return streams.map(({ streamname }) => streamname);
}

// By the index over live attempts, in the order of names: that of runs, as both have eight digits.
function nearSql(session: Session, dstfileOf: (run: number) => Statement, run: number): Statement {
  const live = sql`select id from ${sql.table(session.role, 'production_status')} where retired_at is null`;
  return sql`(${live} and dstfile ~>=~ ${dstfileOf(0)} and dstfile ~<~ ${dstfileOf(run)}
      order by dstfile using ~>~ limit ${productsAside})
    union all
    (${live} and dstfile ~>=~ ${dstfileOf(run + 1)} and dstfile ~<~ ${dstfileOf(99_999_999)}
      order by dstfile using ~<~ limit ${productsAside})`;
}

/**
 * Finds live attempts of this production under other runs whose inputs, as they were dispatched, hold files of a run: what
 * the run was merged into.
 *
 * @param atMost attempts, the first by name
 * @throws DatabaseError
 */
export async function findMergedAttempts(
  session: Session,
  decision: Decision,
  run: number,
  atMost: number,
): Promise<readonly BlockingAttempt[]> {
  const { names } = decision;
  const patterns = [names.dstname, ...(names.twin === undefined ? [] : [names.twin])];
  const near = (await findStreams(session, names.isStreamed)).flatMap((stream) =>
    patterns.map((pattern) => {
      const dstfileOf = (of: number): Statement =>
        dstfileSql(
          sql`${pattern}::text`,
          { run: sql`${of}::int`, segment: sql`0`, streamname: sql`${stream}::text` },
          names.isStreamed,
        );
      return nearSql(session, dstfileOf, run);
    }),
  );
  if (near.length === 0) return [];
  return findAttempts(
    session,
    sql`where id in (${sql.join(near, ' union all ')})
      and ${namesHoldRunSql(run, sql`coalesce(inputs_dispatched, inputs)`)}
      order by dstfile limit ${atMost}`,
  );
}
