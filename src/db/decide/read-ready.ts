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
 * @param batchSize rows in memory at a time; 1,000 by default
 */
export function readReady(session: Session, batchSize = 1000): AsyncGenerator<readonly CandidateRow[]> {
  return readRows(session, sql`true`, batchSize);
}

/** So much in one column of a row is unusual. */
const unusualBytes = 40_000;

/**
 * Likewise those rows that are unusual in what the query gave them: all that have a control character or much in one column,
 * and few others.
 */
export function readReadyOddities(session: Session): AsyncGenerator<readonly CandidateRow[]> {
  // Within JSON a control character is written as a backslash and a letter.
  const isOdd = sql`concat(source, streamname, ranges) ~ '[[:cntrl:]]'
    or octet_length(inputs) > ${unusualBytes} or octet_length(ranges) > ${unusualBytes}
    or (extra <> '{}' and (octet_length(extra::text) > ${unusualBytes} or extra::text ~ ${String.raw`\\[nrbfu]`}))`;
  return readRows(session, isOdd, 1000);
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
