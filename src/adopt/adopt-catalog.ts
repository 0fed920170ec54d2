import { describeServer } from '#db/connect.ts';
import { sql } from '#db/sql.ts';
import { DatabaseError } from '#model/errors.ts';
import { present } from '#util/present.ts';

import { checkOwners, checkTables } from './check-tables.ts';
import { countBytes, countRows } from './count-rows.ts';
import { canCreateTables, findColumnReaders, findTables } from './find-tables.ts';
import { makeTypeChanges } from './make-type-changes.ts';
import { originalCatalogTables } from './original-tables.ts';
import { readSteps } from './read-steps.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Adoption, TypeChange } from '#model/report/migration.ts';
import type { Role } from '#model/site.ts';

import type { FoundTable } from './find-tables.ts';

/** A file catalog that others made, and what SLURP lacks in it. */
export interface OriginalCatalog {
  readonly tables: ReadonlyMap<string, FoundTable>;
  /** Sizes of files that do not fit into their column. */
  readonly changes: readonly TypeChange[];
  /** Columns, keys and tables, e.g. `files.md5`, `datasets_pkey (filename, dataset)`; empty: it can be used as it is. */
  readonly missing: readonly string[];
}

const names = Object.keys(originalCatalogTables);
const keys: Readonly<Record<string, readonly string[]>> = {
  files: ['lfn', 'full_host_name', 'full_file_path'],
  datasets: ['filename', 'dataset'],
};

interface KeyRow {
  readonly table: string;
  readonly columns: readonly string[];
}

function findKeys(ask: Ask, schema: string): Promise<readonly KeyRow[]> {
  return ask<KeyRow>(sql`
    select c.relname::text as table, array_agg(a.attname::text order by p.position) as columns
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(k.conkey) with ordinality as p (number, position)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = p.number
    where n.nspname = ${schema} and k.conname = c.relname || '_pkey' and k.contype in ('p', 'u')
      and c.relname = any (${names}::text[])
    group by c.relname`);
}

/**
 * Looks what the file catalog of a role lacks; changes nothing.
 *
 * @returns undefined where there is none
 * @throws DatabaseError with all that is in the way, as for the status tables
 */
export async function findOriginalCatalog(ask: Ask, role: Role): Promise<OriginalCatalog | undefined> {
  const tables = await findTables(ask, role.schema, names);
  if (tables.size === 0) return undefined;
  const check = checkTables(tables, originalCatalogTables);
  const complaints = [...check.complaints];
  const found = await findKeys(ask, role.schema);
  const missing = names.filter((name) => !tables.has(name)).map((name) => `table ${name}`);
  missing.push(...check.missing.map(({ table, column }) => `${table}.${column}`));
  for (const [table, columns] of Object.entries(keys)) {
    const key = found.find((row) => row.table === table);
    if (key === undefined) missing.push(`${table}_pkey (${columns.join(', ')})`);
    else if (key.columns.toSorted().join() !== columns.toSorted().join()) {
      complaints.push(`'${table}_pkey' is a key over ${key.columns.join(', ')}: expected ${columns.join(', ')}`);
    }
  }
  // Anything narrower than text is the business of those who made it; but a size beyond 2 GB must fit.
  const changes = check.changes.filter(({ column, isRewriting }) => column === 'size' && isRewriting);
  const what = `The file catalog in schema '${role.schema}' of '${describeServer(role.url)}'`;
  if (complaints.length > 0) {
    const advice = "Name another schema for 'catalog' in the site file";
    throw new DatabaseError(`${what} is none that SLURP can use`, {
      code: 'database-foreign-tables',
      complaints,
      advice,
    });
  }
  if (missing.length > 0 || changes.length > 0) await checkMayChange(ask, role, { tables, changes, missing }, what);
  return { tables, changes, missing };
}

async function checkMayChange(ask: Ask, role: Role, catalog: OriginalCatalog, what: string): Promise<void> {
  const { tables, changes, missing } = catalog;
  const lacks = [...missing, ...changes.map(({ table, column, to }) => `${table}.${column} as ${to}`)];
  const owners = checkOwners(tables);
  const cannotMake = tables.size < names.length && !(await canCreateTables(ask, role.schema));
  const complaints = [...owners, ...(cannotMake ? [`This account may not make tables in '${role.schema}'`] : [])];
  if (complaints.length > 0) {
    const advice = "Run 'slurp db migrate catalog' once as the owner of the tables";
    throw new DatabaseError(`${what} lacks ${lacks.join(', ')}`, { code: 'database-refused', complaints, advice });
  }
  const readers = (await findColumnReaders(ask, role.schema, names)).filter((reader) =>
    changes.some(({ table, column }) => reader.table === table && reader.column === column),
  );
  if (readers.length === 0) return;
  throw new DatabaseError(`${what} cannot be changed: views read its sizes`, {
    code: 'database-in-use',
    complaints: [...new Set(readers.map(({ view }) => `View '${view}'`))],
    advice: 'Drop them, and make them again afterwards',
  });
}

/** Reports what {@link adoptCatalog} will do; changes nothing. */
export async function describeCatalog(ask: Ask, role: Role, original: OriginalCatalog): Promise<Adoption> {
  const before = await countRows(ask, role.schema, [...original.tables.keys()]);
  const rewritten = [...new Set(original.changes.map(({ table }) => table))];
  return {
    counts: names.map((table) => {
      const rows = before.get(table);
      return { table, ...present({ before: rows }), after: rows ?? 0 };
    }),
    changes: original.changes,
    added: original.missing,
    open: [],
    hasNewStates: false,
    rewrittenBytes: await countBytes(ask, role.schema, rewritten),
  };
}

/**
 * Adds to a file catalog that others made what SLURP lacks in it, as part of a transaction of the caller whose search
 * path is the role's schema. Nothing else is touched, and what is complete is left alone.
 *
 * @throws DatabaseError, e.g. `database-unique` where rows share what should be a key
 * @see docs/adopt.md
 */
export async function adoptCatalog(
  ask: Ask,
  role: Role,
  sqlDirectory: string,
  reportPhase: (phase: string) => void,
): Promise<Adoption | undefined> {
  const original = await findOriginalCatalog(ask, role);
  if (original === undefined || original.missing.length + original.changes.length === 0) return undefined;
  await ask(sql`select set_config('lock_timeout', '20000', true), set_config('statement_timeout', '0', true)`);
  for (const { name, statement } of await readSteps(sqlDirectory, 'catalog')) {
    reportPhase(name);
    await ask(statement);
  }
  reportPhase('change types');
  for (const statement of makeTypeChanges(original.changes)) await ask(statement);
  const after = await findTables(ask, role.schema, names);
  return describeCatalog(ask, role, { ...original, tables: after });
}
