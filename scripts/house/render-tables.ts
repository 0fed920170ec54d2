import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Meanings {
  readonly table: string;
  readonly row: string;
  readonly columns: ReadonlyMap<string, string>;
}

/** The page about tables, from the dump of the schema and `sql/columns.txt`. @throws Error where these do not agree */
export function renderTables(root: string): string {
  const types = readTypes(readFileSync(join(root, 'sql/schema.sql'), 'utf8'));
  const tables = readMeanings(readFileSync(join(root, 'sql/columns.txt'), 'utf8'));
  const known = new Set(tables.map(({ table }) => table));
  for (const table of types.keys()) {
    if (/^(?:status|catalog)\./u.test(table) && !known.has(table)) throw new Error(`sql/columns.txt has no '${table}'`);
  }
  return [
    '<!-- Made by scripts/generate.ts from sql/schema.sql and sql/columns.txt: change it there. -->',
    '',
    '# What do the tables hold?',
    '',
    "Of the roles `status` and `catalog`; `slurp db sql ROLE` lists what a site's own database has. Times are UTC. What must",
    'not change while readers of the original live is their names and the meaning of the columns that the original had.',
    '',
    ...tables.flatMap((meanings) => renderTable(meanings, types.get(meanings.table))),
  ].join('\n');
}

function renderTable({ table, row, columns }: Meanings, types: ReadonlyMap<string, string> | undefined): string[] {
  const [have, want] = [[...columns.keys()].join(' '), [...(types?.keys() ?? [])].join(' ')];
  if (have !== want)
    throw new Error(`sql/columns.txt: '${table}' has the columns\n  ${have}\nexpected were\n  ${want}`);
  return [
    `## \`${table.replace('.', '`: `')}\``,
    '',
    `A row is ${row}.`,
    '',
    '| column | type | meaning |',
    '|---|---|---|',
    ...[...columns].map(([column, meaning]) => `| \`${column}\` | ${types?.get(column) ?? ''} | ${meaning} |`),
    '',
  ];
}

/** By `ROLE.TABLE`, then by column, in order; partitions are left out. */
function readTypes(schema: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const tables = new Map<string, Map<string, string>>();
  let role = '';
  let columns: Map<string, string> | undefined;
  for (const line of schema.split('\n')) {
    role = /^-- (\w+)$/u.exec(line)?.[1] ?? role;
    const table = /^create (?:unlogged )?table (\w+) \($/u.exec(line)?.[1];
    if (table !== undefined) tables.set(`${role}.${table}`, (columns = new Map()));
    else if (line.startsWith(')')) columns = undefined;
    const [, name, definition] = /^ {2}"?(\w+)"? (.+?),?$/u.exec(line) ?? [];
    if (name !== undefined && definition !== undefined && name !== 'constraint') columns?.set(name, typeOf(definition));
  }
  return tables;
}

function typeOf(definition: string): string {
  return definition
    .replace(/ not null$/u, '')
    .replace(/ default .*$/u, '')
    .replace(' without time zone', '');
}

function readMeanings(text: string): readonly Meanings[] {
  return text
    .split(/^== /mu)
    .slice(1)
    .map((part) => {
      const lines = part.split('\n').filter((line) => line !== '');
      const [table, row] = cutAtColon(lines[0] ?? '');
      return { table, row, columns: new Map(lines.slice(1).map(cutAtColon)) };
    });
}

function cutAtColon(line: string): readonly [string, string] {
  const place = line.indexOf(': ');
  return [line.slice(0, place), line.slice(place + 2)];
}
