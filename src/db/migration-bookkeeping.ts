import { openDatabase, sql } from './connect.ts';

import type { Role } from '#model/site.ts';

import type { Statement } from './sql.ts';

/** Asks the database one statement, on whichever connection. */
export type Ask = <T extends object>(statement: Statement) => Promise<readonly T[]>;

/** Name of the table that keeps what was applied to a role; one each, since roles may share a schema. */
export function bookkeepingOf(role: Role): string {
  return `slurp_migration_${role.role}`;
}

/**
 * Finds the names of the migrations that ran on a role, in order. The table alone says nothing: it is made before the
 * first migration, and stays if that fails.
 *
 * @throws DatabaseError
 */
export async function findApplied(ask: Ask, role: Role): Promise<readonly string[]> {
  const name = bookkeepingOf(role);
  const found = await ask(sql`select 1 from pg_tables where schemaname = ${role.schema} and tablename = ${name}`);
  if (found.length === 0) return [];
  const rows = await ask<{ name: string }>(sql`select name from ${sql.table(role, name)} order by name`);
  return rows.map((row) => row.name);
}

/**
 * Runs `action` on one snapshot of a role's database, read only.
 *
 * @throws DatabaseError, or what `action` threw
 */
export async function withSnapshot<T>(role: Role, action: (ask: Ask) => Promise<T>): Promise<T> {
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  try {
    return await database.transaction((session) => action((statement) => session.query(statement)), {
      isReadOnly: true,
      isolation: 'repeatable read',
    });
  } finally {
    await database.close();
  }
}

/**
 * Runs `action` in one transaction that changes a role's tables outside of a migration, one at a time, with the role's
 * schema as search path.
 *
 * @throws DatabaseError, or what `action` threw; then nothing has changed
 */
export async function withTablesLocked<T>(role: Role, action: (ask: Ask) => Promise<T>): Promise<T> {
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  try {
    return await database.transaction(async (session) => {
      await session.query(sql`select pg_advisory_xact_lock(hashtext('slurp migrate'))`);
      await session.query(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, true)`);
      return action((statement) => session.query(statement));
    });
  } finally {
    await database.close();
  }
}
