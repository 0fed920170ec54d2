import { assertPresent } from '#util/assert-present.ts';

import { findQueryColumns } from './query-columns.ts';

import type { Node, ParseResult, SelectStmt } from 'libpg-query';

import type { QueryColumns } from './query-columns.ts';

/** Something that is wrong with a query; `offset` counts characters of the text that was parsed. */
export interface QueryProblem {
  readonly offset: number;
  readonly message: string;
  readonly expected?: string;
}

/** What PostgreSQL's parser says of a query. */
export interface QueryReport {
  readonly problems: readonly QueryProblem[];
  /** Absent where the query is not SQL, or not one SELECT. */
  readonly columns?: QueryColumns;
}

/** Columns that each query must give. */
const neededColumns = ['source', 'runnumber', 'segment', 'files'] as const;

/** Offset in a text of its nth code point: what PostgreSQL counts, and what a text counts, differ beyond the BMP. */
function offsetOfCodePoint(text: string, count: number): number {
  let offset = 0;
  for (let passed = 0; passed < count && offset < text.length; passed++)
    offset += assertPresent(text.codePointAt(offset), 'a character') > 0xffff ? 2 : 1;
  return offset;
}

/** Offset in a text of a byte of its UTF-8 form. */
function offsetOfByte(text: string, byte: number): number {
  return Buffer.from(text).subarray(0, byte).toString().length;
}

/**
 * Parses a query with PostgreSQL's own parser and looks at its columns. The parser is loaded at the first call. Never
 * throws for what is wrong with the query.
 */
export async function checkQuery(sql: string): Promise<QueryReport> {
  const expected = 'one SELECT that only reads';
  const isEmpty: QueryReport = { problems: [{ offset: 0, message: 'The query is empty', expected }] };
  if (sql.trim() === '') return isEmpty;
  const { hasSqlDetails, loadModule, parseSync } = await import('libpg-query');
  await loadModule();
  let parsed: ParseResult;
  try {
    parsed = parseSync(sql);
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    const { message, cursorPosition = 0 } = error.sqlDetails ?? { message: error.message };
    // What is missing at the end is missing behind the last word, not behind the blank lines that follow.
    const offset = Math.min(offsetOfCodePoint(sql, cursorPosition), sql.trimEnd().length);
    return { problems: [{ offset, message: `SQL: ${message}` }] };
  }
  const statements = parsed.stmts ?? [];
  const [first, second] = statements;
  if (first?.stmt === undefined) return isEmpty;
  if (second !== undefined) {
    const offset = offsetOfByte(sql, (first.stmt_location ?? 0) + (first.stmt_len ?? 0));
    return { problems: [{ offset, message: `${statements.length} statements in a query`, expected }] };
  }
  if (!isReading(first.stmt)) return { problems: [{ offset: 0, message: 'The query is not a SELECT', expected }] };
  const columns = findQueryColumns(parsed);
  return columns === undefined ? { problems: [] } : { problems: checkQueryColumns(sql, columns), columns };
}

/** Returns whether a statement and all its common table expressions are SELECTs that write nowhere. */
function isReading(statement: Node): boolean {
  if (!('SelectStmt' in statement)) return false;
  const parts = (select: SelectStmt): boolean =>
    select.intoClause === undefined &&
    (select.withClause?.ctes ?? []).every(
      (node) =>
        !('CommonTableExpr' in node) ||
        node.CommonTableExpr.ctequery === undefined ||
        isReading(node.CommonTableExpr.ctequery),
    ) &&
    (select.larg === undefined || parts(select.larg)) &&
    (select.rarg === undefined || parts(select.rarg));
  return parts(statement.SelectStmt);
}

function checkQueryColumns(sql: string, columns: QueryColumns): readonly QueryProblem[] {
  if (!columns.isComplete) return [];
  const missing = neededColumns.filter((name) => !columns.names.includes(name));
  if (missing.length === 0) return [];
  const names = missing.map((name) => `'${name}'`).join(', ');
  const message = `The query returns no column ${names}`;
  return [{ offset: offsetOfByte(sql, columns.at), message, expected: `the columns ${neededColumns.join(', ')}` }];
}
