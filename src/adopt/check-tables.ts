import type { TypeChange } from '#model/report/migration.ts';

import type { FoundColumn, FoundTable } from './find-tables.ts';
import type { ColumnKind, OriginalTable } from './original-tables.ts';

/** What a look at the tables of another system says. */
export interface TableCheck {
  /** Why they are not what they are taken for; a line each. */
  readonly complaints: readonly string[];
  readonly changes: readonly TypeChange[];
  /** Columns that are not there, by table. */
  readonly missing: readonly { readonly table: string; readonly column: string }[];
}

const families: Readonly<Record<ColumnKind, readonly string[]>> = {
  text: ['text', 'character varying', 'character', 'name'],
  integer: ['smallint', 'integer', 'bigint'],
  bigint: ['smallint', 'integer', 'bigint'],
  count: ['smallint', 'integer', 'bigint'],
  timestamp: ['timestamp without time zone', 'timestamp with time zone', 'text', 'character varying'],
  json: ['jsonb', 'json'],
  state: ['text', 'character varying'],
};

const expected: Readonly<Record<ColumnKind, string>> = {
  text: 'a text',
  integer: 'an integer',
  bigint: 'an integer',
  count: 'an integer',
  timestamp: 'a timestamp',
  json: 'jsonb',
  state: 'an enum or a text',
};

function isOfKind(kind: ColumnKind, found: FoundColumn): boolean {
  return families[kind].includes(found.type) || (kind === 'state' && found.isEnum);
}

function changeOf(kind: ColumnKind, found: FoundColumn): Omit<TypeChange, 'table' | 'column' | 'from'> | undefined {
  const { type, isNotNull } = found;
  const isCount = kind === 'count';
  switch (kind) {
    case 'text':
      if (type === 'text') return undefined;
      return { to: 'text', isCount, isRewriting: type !== 'character varying' };
    case 'integer':
      return type === 'smallint' ? { to: 'integer', isCount, isRewriting: true } : undefined;
    case 'bigint':
      return type === 'bigint' ? undefined : { to: 'bigint', isCount, isRewriting: true };
    case 'count':
      return type === 'bigint' && isNotNull ? undefined : { to: 'bigint', isCount, isRewriting: true };
    case 'timestamp':
      return type === 'timestamp without time zone' ? undefined : { to: 'timestamp', isCount, isRewriting: true };
    case 'json':
      return type === 'jsonb' ? undefined : { to: 'jsonb', isCount, isRewriting: true };
    case 'state':
      // The type itself may change: see `state-type.ts`.
      return undefined;
  }
}

/**
 * Compares tables with what they are taken for. Pure: never throws; all complaints at once.
 *
 * @param original the tables as they should be, by name; those that do not exist are not complained about
 */
export function checkTables(
  found: ReadonlyMap<string, FoundTable>,
  original: Readonly<Record<string, OriginalTable>>,
): TableCheck {
  const complaints: string[] = [];
  const changes: TypeChange[] = [];
  const missing: { table: string; column: string }[] = [];
  for (const [table, columns] of Object.entries(original)) {
    const there = found.get(table);
    if (there === undefined) continue;
    if (there.kind !== 'table') {
      complaints.push(`'${table}' is a ${there.kind}: expected a table`);
      continue;
    }
    for (const [column, { kind, isNeeded }] of Object.entries(columns)) {
      const facts = there.columns.get(column);
      if (facts === undefined) {
        if (isNeeded) complaints.push(`Table '${table}' has no column '${column}'`);
        else missing.push({ table, column });
      } else if (!isOfKind(kind, facts)) {
        complaints.push(`Column '${column}' of '${table}' is '${facts.fullType}': expected ${expected[kind]}`);
      } else {
        const change = changeOf(kind, facts);
        if (change !== undefined) changes.push({ table, column, from: facts.fullType, ...change });
      }
    }
  }
  return { complaints, changes, missing };
}

/** Which of these tables another role owns, so that we may not change them; a line each. */
export function checkOwners(found: ReadonlyMap<string, FoundTable>): readonly string[] {
  return [...found.values()]
    .filter(({ isOurs }) => !isOurs)
    .map(({ name, owner }) => `Table '${name}' belongs to '${owner}': only its owner may change it`);
}
