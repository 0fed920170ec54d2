import { sql } from '#db/connect.ts';
import { streamMacro } from '#model/dst-name.ts';
import { RuleError } from '#model/errors.ts';
import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

import { toRuleError } from './rule-query-error.ts';

import type { Session, Statement } from '#db/connect.ts';

import type { DecisionRequest } from './decision-request.ts';

/** What a column's type means to us. */
type ColumnKind = 'integer' | 'number' | 'text' | 'other';

/** One column of the author's query; it is addressed by its alias, since names may occur twice. */
export interface QueryColumn {
  readonly name: string;
  readonly alias: string;
  readonly kind: ColumnKind;
}

/** The columns of a rule's query, by what they are to us. */
export interface QueryColumns {
  /** `c1`, `c2`, …: one for each column, in order. */
  readonly aliases: readonly string[];
  readonly source: QueryColumn;
  readonly run: QueryColumn;
  readonly segment: QueryColumn;
  readonly files: QueryColumn;
  readonly ranges?: QueryColumn;
  readonly streamname?: QueryColumn;
  /** Every other column; names differ. */
  readonly extra: readonly QueryColumn[];
  /** Names that occur more than once: the last column of the name counts. */
  readonly repeated: readonly string[];
}

/** By `pg_type.oid`, which is the same on every server for the types it came with. */
const kindByType: ReadonlyMap<number, ColumnKind> = new Map([
  [21, 'integer'], // int2
  [23, 'integer'], // int4
  [20, 'number'], // int8
  [700, 'number'], // float4
  [701, 'number'], // float8
  [1700, 'number'], // numeric
  [25, 'text'],
  [1043, 'text'], // varchar
  [1042, 'text'], // char(n)
  [19, 'text'], // name
]);

const ours = ['source', 'runnumber', 'segment', 'files', 'fileranges', 'streamname'];

function describeKind(expected: 'number' | 'text'): string {
  return expected === 'number' ? 'a whole number' : 'text';
}

/**
 * Learns the columns of a rule's query from the server, without running it (`LIMIT 0`). Call it in a read-only
 * transaction whose search path is the role's.
 *
 * @throws RuleError `rule-query` for what the server refuses, `rule-columns` with everything that is missing or of
 * the wrong type
 */
export async function readQueryColumns(session: Session, request: DecisionRequest): Promise<QueryColumns> {
  const statement = sql`select * from (\n${sql.verbatim(request.query.text)}\n) as q limit 0`;
  const [result] = await session.script(statement.text).catch((error: unknown) => {
    throw toRuleError(error, statement, request);
  });
  const columns = assertPresent(result, 'the result of the query').columns.map((column, index) => ({
    name: column.name,
    alias: `c${index + 1}`,
    kind: kindByType.get(column.typeId) ?? 'other',
  }));
  return sortColumns(columns, request);
}

function sortColumns(columns: readonly QueryColumn[], request: DecisionRequest): QueryColumns {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const faults: string[] = [];
  const find = (name: string, expected: 'number' | 'text', isNeeded: boolean): QueryColumn | undefined => {
    const column = byName.get(name);
    if (column === undefined) {
      if (isNeeded) faults.push(`no column '${name}' (${describeKind(expected)})`);
      return undefined;
    }
    const isRight = expected === 'text' ? column.kind === 'text' : column.kind !== 'other';
    if (!isRight) faults.push(`column '${name}' is not ${describeKind(expected)}`);
    return column;
  };
  const isStreamed = request.production.dsttype.includes(streamMacro);
  const source = find('source', 'text', true);
  const run = find('runnumber', 'number', true);
  const segment = find('segment', 'number', true);
  const files = find('files', 'text', true);
  const ranges = find('fileranges', 'text', false);
  const streamname = find('streamname', 'text', isStreamed);
  if (!source || !run || !segment || !files || faults.length > 0) throw makeColumnError(faults, columns, request);
  return {
    aliases: columns.map((column) => column.alias),
    source,
    run,
    segment,
    files,
    ...present({ ranges, streamname }),
    extra: [...byName.values()].filter((column) => !ours.includes(column.name)),
    repeated: [...byName.keys()].filter((name) => columns.filter((column) => column.name === name).length > 1),
  };
}

function makeColumnError(
  faults: readonly string[],
  columns: readonly QueryColumn[],
  request: DecisionRequest,
): RuleError {
  const names = columns.map((column) => `'${column.name}'`).join(', ');
  const [only] = faults;
  const what =
    faults.length === 1 && only !== undefined ? only : `${faults.length} columns are missing or of a wrong type`;
  return new RuleError(`Query of rule '${request.rule}': ${what}; it returns ${names || 'no column'}`, {
    code: 'rule-columns',
    facts: { rule: request.rule, file: request.file },
    complaints: faults.length === 1 ? [] : faults,
    advice: 'A query returns source, runnumber, segment and files: see docs/deciding.md',
  });
}

/** The columns as a select list of names, for tables that hold them: `x1 text, x2 text`. */
export function extraNamesOf(columns: QueryColumns): readonly Statement[] {
  return columns.extra.map((_, index) => sql.identifier(`x${index + 1}`));
}
