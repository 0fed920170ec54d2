import { sql } from '#db/connect.ts';
import { findOutside } from '#model/row-selection.ts';

import { entryMatches } from '../judge/invalid-run-sql.ts';
import { dstfileSql } from '../product-sql.ts';
import { extraNames } from '../read-query-columns.ts';
import { findAttempt } from './find-attempt.ts';

import type { Database, Session, Statement } from '#db/connect.ts';
import type { CompetingRow, InvalidRunEntry, MissingInput, VerdictFact } from '#model/report/verdict-fact.ts';
import type { ExplainedRow, RunExplanation } from '#model/report/why.ts';
import type { RowFault, Verdict } from '#model/verdict.ts';

import type { Decision } from '../decide.ts';

interface FateRow {
  readonly ordinal: number;
  readonly run: number;
  readonly segment: number;
  readonly streamname: string | null;
  readonly dstfile: string | null;
  readonly twin: string | null;
  readonly files: string | null;
  readonly fate: Verdict | RowFault;
  readonly cupsid: number | null;
  readonly note: string | null;
  readonly inputs: string | null;
}

const fates = sql`pg_temp.judged j left join pg_temp.undecided u using (ordinal)
  left join pg_temp.ready r using (ordinal)`;
const fate = sql`coalesce(j.verdict, u.verdict, case when r.ordinal is null then 'over-limit' else 'ready' end)`;

async function findEntries(session: Session, decision: Decision, row: FateRow): Promise<readonly InvalidRunEntry[]> {
  const value = {
    run: sql`${row.run}::int`,
    segment: sql`${row.segment}::int`,
    streamname: sql`${row.streamname}::text`,
  };
  return session.query<InvalidRunEntry>(
    sql`select i.id, i.dstname, i.first_run as "firstRun", i.last_run as "lastRun", i.first_segment as "firstSegment",
        i.last_segment as "lastSegment", i.reason, i.expires_at as "expiresAt"
      from pg_temp.invalid_entry e join ${sql.table(session.role, 'invalid_run_list')} i using (id)
      where ${entryMatches(decision.names, value)} order by i.id`,
  );
}

async function findDatasets(catalog: Database, filename: string): Promise<readonly string[]> {
  const rows = await catalog.query<{ dataset: string }>(
    sql`select dataset from ${sql.table(catalog.role, 'datasets')} where filename = ${filename} order by dataset`,
  );
  return rows.map(({ dataset }) => dataset);
}

async function findRows(
  session: Session,
  decision: Decision,
  dstfile: string | null,
): Promise<readonly CompetingRow[]> {
  const extras = extraNames(decision.columns).map(
    (name, index) => sql`, ${decision.columns.extra[index]?.name ?? ''}::text, ${name}`,
  );
  // From an array, since a function takes at most 100 arguments; the empty pair gives the array its type.
  const pairs = sql`array[''::text, null ${sql.join(extras, '')}]`;
  return session.query<CompetingRow>(
    sql`select ordinal, streamname, source, files, ranges, json_object(${pairs})::jsonb - '' as extra
      from pg_temp.undecided where dstfile = ${dstfile} order by ordinal limit 20`,
  );
}

async function findMissing(
  session: Session,
  catalog: Database | undefined,
  ordinal: number,
): Promise<readonly MissingInput[]> {
  const rows = await session.query<{ lfn: string; unusable: readonly string[] }>(
    sql`select n.lfn, coalesce((select array_agg(path order by path) from pg_temp.listing p where p.basename = n.lfn),
        '{}') as unusable
      from pg_temp.needed n left join pg_temp.location l using (lfn)
      where n.ordinal = ${ordinal} and l.path is null order by n.position`,
  );
  if (catalog === undefined) return rows.map((row) => ({ ...row, gone: [] }));
  const lost = await session.query<{ path: string }>(sql`select path from pg_temp.gone`);
  const gone = lost.map(({ path }) => path);
  const registered = await catalog.query<{ lfn: string; path: string }>(
    sql`select lfn, full_file_path as path from ${sql.table(catalog.role, 'files')}
      where lfn = any(${rows.map((row) => row.lfn)}::text[]) order by full_file_path`,
  );
  return rows.map(({ lfn, unusable }) => ({
    lfn,
    unusable: [
      ...unusable,
      ...registered.filter((file) => file.lfn === lfn && !gone.includes(file.path)).map((file) => file.path),
    ],
    gone: registered.filter((file) => file.lfn === lfn && gone.includes(file.path)).map((file) => file.path),
  }));
}

async function countOne(session: Session, statement: Statement): Promise<number> {
  const [row] = await session.query<{ count: number }>(statement);
  return row?.count ?? 0;
}

async function findFact(session: Session, decision: Decision, catalog: Database, row: FateRow): Promise<VerdictFact> {
  switch (row.fate) {
    case 'not-selected': {
      const outside = findOutside(decision.selection, row);
      return { fate: row.fate, outside, attempt: await findAttempt(session, row.cupsid) };
    }
    case 'rejected':
      return { fate: row.fate, column: row.note ?? '' };
    case 'invalid-run':
      return { fate: row.fate, entries: await findEntries(session, decision, row) };
    case 'blocked':
      return { fate: row.fate, attempt: await findAttempt(session, row.cupsid) };
    case 'exists': {
      const filename = row.note ?? '';
      return { fate: row.fate, filename, datasets: await findDatasets(catalog, filename) };
    }
    case 'repeated':
    case 'duplicate':
      return { fate: row.fate, rows: await findRows(session, decision, row.dstfile) };
    case 'missing-inputs': {
      const wanted = sql`select count(*)::int as count from pg_temp.needed where ordinal = ${row.ordinal}`;
      const missing = await findMissing(session, decision.inputs === 'catalog' ? catalog : undefined, row.ordinal);
      return { fate: row.fate, wanted: await countOne(session, wanted), missing };
    }
    case 'unfit':
      return { fate: row.fate, reason: row.note ?? '' };
    case 'over-limit': {
      const before = sql`select count(*)::int as count from pg_temp.ready where ordinal < ${row.ordinal}`;
      return { fate: row.fate, readyBefore: await countOne(session, before) };
    }
    case 'ready':
      return { fate: row.fate, inputs: row.inputs ?? '', replaces: await findAttempt(session, row.cupsid) };
  }
}

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
export async function explainRun(
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
  const counts = await session.query<{ fate: Verdict | RowFault; count: number }>(
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
      fact: await findFact(session, decision, catalog, one),
    });
  }
  return { counts, rows };
}
