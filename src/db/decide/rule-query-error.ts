import { isUnknownName } from '#db/database-error.ts';
import { DatabaseError, RuleError } from '#model/errors.ts';
import { assertPresent } from '#util/assert-present.ts';

import type { Statement } from '#db/connect.ts';

import type { DecisionRequest } from './decision-request.ts';

/** Classes of SQLSTATE that the text of a query is to blame for: values, syntax and names, features, read-only. */
const queryClasses = ['0A', '21', '22', '25', '2B', '2F', '42', '54', 'P0'];

/** Line and column, both from 1, of a character of the author's query. */
interface QueryPlace {
  /** UTF-16 units from 0. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  /** The whole line, without spaces around it. */
  readonly text: string;
}

/**
 * Finds where in the author's query an error of the server points.
 *
 * @param position the server's: characters (not UTF-16 units) from 1, in the statement that the query was woven into
 * @returns undefined where the position lies outside of the query
 */
function findPlace(statement: string, query: string, position: number): QueryPlace | undefined {
  const start = statement.indexOf(query);
  const offset = [...statement].slice(0, position - 1).join('').length - start;
  if (start < 0 || offset < 0 || offset > query.length) return undefined;
  const before = query.slice(0, offset).split('\n');
  const line = before.length;
  return {
    offset,
    line,
    column: [...assertPresent(before.at(-1), 'the line')].length + 1,
    text: assertPresent(query.split('\n')[line - 1], 'the line').trim(),
  };
}

/**
 * Turns what the server says about a rule's query into a {@link RuleError} with the query's own line; what is not a fault
 * of the query (connection, disk, rights to connect) passes unchanged.
 */
export function toRuleError(error: unknown, statement: Statement, request: DecisionRequest): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const state = error.facts['state'];
  const isTimeout = state === '57014';
  if (typeof state !== 'string' || !(isTimeout || queryClasses.includes(state.slice(0, 2)))) return error;
  const position = error.facts['position'];
  const place = typeof position === 'number' ? findPlace(statement.text, request.query.text, position) : undefined;
  // What is missing around the query is missing in our own tables.
  if (typeof position === 'number' && place === undefined && isUnknownName(error)) return error;
  const said = error.cause instanceof Error ? error.cause.message : error.message;
  const inFile = place === undefined ? undefined : request.query.placeOf?.(place.offset);
  const hint = error.facts['hint'];
  const where = place === undefined ? '' : `, line ${place.line} ('${place.text}')`;
  const advice = isTimeout
    ? "Make the query faster, select fewer runs, or raise 'statementTimeout' in the site file"
    : typeof hint === 'string'
      ? `The server's hint: ${hint}`
      : "See the finished query with '--print-query'";
  return new RuleError(`Query of rule '${request.rule}'${where}: database '${request.query.role}' says: ${said}`, {
    code: isTimeout ? 'rule-query-timeout' : 'rule-query',
    // Not the error that repeats it, but what the driver threw.
    cause: error.cause ?? error,
    advice,
    facts: {
      rule: request.rule,
      file: request.file,
      line: inFile?.line,
      column: inFile?.column,
      state,
      queryLine: place?.line,
      queryColumn: place?.column,
      detail: error.facts['detail'],
    },
  });
}
