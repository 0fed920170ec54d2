import { assertPresent } from '#util/assert-present.ts';

import type { Role } from '#model/site.ts';

/** What a statement may carry as a parameter; objects travel as JSON, arrays as PostgreSQL arrays, dates as UTC. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly SqlValue[]
  | { readonly [key: string]: unknown };

const isStatementMark = Symbol('statement');

/** A statement with its parameters apart: `text` holds `$1`, `$2`, …, `values` what they stand for. */
export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** The texts between the values, for composing; one more than `values`. */
  readonly pieces: readonly string[];
  /** The server keeps its plan under this name, one a connection. */
  readonly name?: string;
  readonly [isStatementMark]: true;
}

function isStatement(value: SqlValue | Statement): value is Statement {
  return typeof value === 'object' && value !== null && isStatementMark in value;
}

function makeStatement(pieces: readonly string[], values: readonly SqlValue[]): Statement {
  const text = pieces.map((piece, index) => (index === 0 ? piece : `$${index}${piece}`)).join('');
  return { text, values, pieces, [isStatementMark]: true };
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function joinParts(strings: readonly string[], parts: readonly (SqlValue | Statement)[]): Statement {
  const pieces = [assertPresent(strings[0], 'a piece of SQL')];
  const values: SqlValue[] = [];
  const append = (text: string): void => {
    pieces.push(`${assertPresent(pieces.pop(), 'a piece of SQL')}${text}`);
  };
  parts.forEach((part, index) => {
    if (isStatement(part)) {
      append(assertPresent(part.pieces[0], 'a piece of SQL'));
      part.values.forEach((value, position) => {
        values.push(value);
        pieces.push(assertPresent(part.pieces[position + 1], 'a piece of SQL'));
      });
    } else {
      values.push(part);
      pieces.push('');
    }
    append(assertPresent(strings[index + 1], 'a piece of SQL'));
  });
  return makeStatement(pieces, values);
}

/**
 * Makes a {@link Statement}: every `${value}` becomes a parameter, every `${statement}` is woven in with its own.
 *
 * @example
 * const live = sql`retired_at is null`;
 * sql`select id from ${sql.table(status, 'production_status')} where run = ${run} and ${live}`;
 */
export function sql(strings: TemplateStringsArray, ...parts: readonly (SqlValue | Statement)[]): Statement {
  return joinParts(strings, parts);
}

/** A quoted name, e.g. of a column or an index. */
sql.identifier = (name: string): Statement => makeStatement([quoteIdentifier(name)], []);

/** A table, type or function of a role, qualified by the role's schema: `"catalog"."files"`. */
sql.table = (role: Pick<Role, 'schema'>, name: string): Statement =>
  makeStatement([`${quoteIdentifier(role.schema)}.${quoteIdentifier(name)}`], []);

/**
 * Text that goes into the statement as it is. For two things only: the query of a rule, and fixed words chosen by our
 * own code. Never for a value.
 */
sql.verbatim = (text: string): Statement => makeStatement([text], []);

/**
 * Names a statement, so that the server parses and plans it once per connection. For statements that are sent often and
 * whose text never changes: a different text with the same name is refused.
 */
sql.prepared = (name: string, statement: Statement): Statement => ({ ...statement, name });

/** Statements one after the other; `sql.join([])` is empty. */
sql.join = (statements: readonly Statement[], separator = ', '): Statement =>
  joinParts(['', ...statements.map((_, index) => (index + 1 < statements.length ? separator : ''))], statements);
