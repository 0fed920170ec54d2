import { sql } from '../../connect.ts';
import { dstfileSql } from '../product-sql.ts';
import { findFact } from '../verdicts/verdict-parts.ts';

import type { ExplainedRow, RunExplanation } from '#model/report/why.ts';
import type { Fate } from '#model/verdict.ts';

import type { Database, Session } from '../../connect.ts';
import type { Decision } from '../decide.ts';
import type { FateRow } from '../verdicts/verdict-part.ts';

const fates = sql`pg_temp.judged j left join pg_temp.undecided u using (ordinal)
  left join pg_temp.ready r using (ordinal)`;
const fate = sql`coalesce(j.verdict, u.verdict, case when r.ordinal is null then 'over-limit' else 'ready' end)`;

/** Which rows of a decision are to be explained. */
export interface ExplanationWish {
  readonly run: number;
  readonly segment?: number;
  /** Instead of the rows of the run itself, those under other runs that are made from it; of the run that was asked about. */
  readonly isMerged?: boolean;
}

/**
 * Reports what became of a run's candidates, from the tables that a decision left in the session: the same facts that
 * decided. An explanation without rows means that the query returned none for the run.
 *
 * @param atMost rows with a fact; the counts are of all
 */
export async function findExplanation(
  session: Session,
  decision: Decision,
  catalog: Database,
  wanted: ExplanationWish,
  atMost = 20,
): Promise<RunExplanation> {
  const chosen =
    wanted.isMerged === true
      ? sql`j.is_of_asked and j.run <> ${wanted.run}`
      : sql`j.run = ${wanted.run} and (${wanted.segment ?? null}::int is null or j.segment = ${wanted.segment ?? null}::int)`;
  const counts = await session.query<{ fate: Fate; count: number }>(
    sql`select ${fate} as fate, count(*)::int as count from ${fates} where ${chosen} group by 1 order by 2 desc, 1`,
  );
  const row = { run: sql`j.run`, segment: sql`j.segment`, streamname: sql`j.streamname` };
  const { names } = decision;
  const found = await session.query<FateRow>(
    sql`select j.ordinal, j.run, coalesce(j.segment, 0) as segment, j.streamname,
        ${dstfileSql(sql`${names.dstname}::text`, row, names.isStreamed)} as dstfile, ${fate} as fate,
        coalesce(u.files, j.files) as files,
        ${names.twin === undefined ? sql`null::text` : dstfileSql(sql`${names.twin}::text`, row, names.isStreamed)} as twin,
        coalesce(u.cupsid, j.cupsid) as cupsid, coalesce(u.note, j.note) as note, r.inputs
      from ${fates} where ${chosen} order by j.run, j.segment, j.ordinal limit ${atMost}`,
  );
  const rows: ExplainedRow[] = [];
  for (const one of found) {
    const { ordinal, run, segment, streamname, dstfile, files, twin } = one;
    rows.push({
      ordinal,
      run,
      segment,
      streamname,
      dstfile,
      files,
      ...(twin === null ? {} : { twin }),
      fact: await findFact({ session, decision, catalog }, one),
    });
  }
  return { counts, rows };
}
