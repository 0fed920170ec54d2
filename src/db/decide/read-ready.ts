import { sql } from '#db/connect.ts';

import type { Session, Statement } from '#db/connect.ts';
import type { CandidateRow } from '#model/candidate.ts';

/** What `pg_temp.ready` holds: nulls where {@link CandidateRow} has nothing. */
type ReadyRow = Omit<CandidateRow, 'streamname' | 'replaces'> & {
  readonly streamname: string | null;
  readonly replaces: number | null;
};

function toCandidate({ streamname, replaces, ...row }: ReadyRow): CandidateRow {
  return { ...row, ...(streamname === null ? {} : { streamname }), ...(replaces === null ? {} : { replaces }) };
}

/**
 * Reads what a decision left in the session, in the query's order, by cursor. Nothing else can be asked of the session
 * until the loop is left.
 *
 * @param batchSize rows in memory at a time; 1,000 unless told otherwise
 */
export function readReady(session: Session, batchSize = 1000): AsyncGenerator<readonly CandidateRow[]> {
  return readRows(session, sql`true`, batchSize);
}

/**
 * Likewise those rows that may have a line end in what the query gave them: all that have one, and few others.
 */
export function readReadyWithLineEnds(session: Session): AsyncGenerator<readonly CandidateRow[]> {
  // Within JSON a line end is written as a backslash and a letter.
  const mayHaveOne = sql`concat(source, streamname) ~ E'[\\n\\r]' or (extra <> '{}' and extra::text ~ ${String.raw`\\[nr]`})`;
  return readRows(session, mayHaveOne, 1000);
}

async function* readRows(
  session: Session,
  condition: Statement,
  batchSize: number,
): AsyncGenerator<readonly CandidateRow[]> {
  const statement = sql`select ordinal, run, segment, streamname, dsttype, dstname, dstfile, source, inputs, ranges,
    extra, replaces from pg_temp.ready where ${condition} order by ordinal`;
  for await (const rows of session.cursor<ReadyRow>(statement, batchSize)) yield rows.map(toCandidate);
}
