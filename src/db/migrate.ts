import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { Kysely, Migrator, PostgresDialect, sql as kyselySql } from 'kysely';

import { DatabaseError } from '#model/errors.ts';

import { describeServer, openDatabase, openPool, sql } from './connect.ts';
import { toDatabaseError } from './database-error.ts';

import type { Migration } from 'kysely';

import type { Role, RoleName } from '#model/site.ts';

/** What {@link migrate} did. */
export interface MigrationReport {
  readonly role: RoleName;
  /** Names of the migrations that ran now, in order; empty when all had run before. */
  readonly applied: readonly string[];
  /** The tables are there and were made by others: they are left as they are. Never for `status`. */
  readonly isForeign: boolean;
}

/** A table that each role's first migration makes: where it stands without our own bookkeeping, others made it. */
const landmarks: Readonly<Record<RoleName, string>> = {
  daq: 'filelist',
  raw: 'datasets',
  catalog: 'files',
  status: 'production_status',
};

async function readMigrations(role: Role, sqlDirectory: string): Promise<Record<string, Migration>> {
  const directory = join(sqlDirectory, role.role);
  const files = (await readdir(directory)).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort();
  const entries = files.map(async (file): Promise<[string, Migration]> => {
    const text = await readFile(join(directory, file), 'utf8');
    const up: Migration['up'] = async (transaction) => {
      await kyselySql`set local search_path to ${kyselySql.id(role.schema)}`.execute(transaction);
      await kyselySql.raw(text).execute(transaction);
    };
    return [file.replace(/\.sql$/, ''), { up }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Name of the table that keeps what was applied to a role; one each, since roles may share a schema. */
function bookkeeping(role: Role): string {
  return `slurp_migration_${role.role}`;
}

async function isMadeByOthers(role: Role): Promise<boolean> {
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  try {
    const find = (table: string): Promise<readonly object[]> =>
      database.query(sql`select 1 from pg_tables where schemaname = ${role.schema} and tablename = ${table}`);
    return (await find(bookkeeping(role))).length === 0 && (await find(landmarks[role.role])).length > 0;
  } finally {
    await database.close();
  }
}

/**
 * Brings a role's tables up to date: runs the files of `sqlDirectory/ROLE/NNNN-name.sql` that have not run there yet,
 * in order, all in one transaction, with `search_path` set to the role's schema, which is made if absent. Two at once
 * are safe: the second waits and finds nothing to do. Tables that others made (a file catalog that was there before us)
 * are left as they are.
 *
 * @throws DatabaseError; then nothing has changed
 */
export async function migrate(role: Role, sqlDirectory: string): Promise<MigrationReport> {
  if (await isMadeByOthers(role)) {
    if (role.role !== 'status') return { role: role.role, applied: [], isForeign: true };
    throw new DatabaseError(
      `Schema '${role.schema}' of '${describeServer(role.url)}' holds a table '${landmarks.status}' that SLURP did not make`,
      { code: 'database-foreign-tables', advice: "Name another schema for 'status' in the site file" },
    );
  }
  const pool = openPool(role, { applicationName: 'slurp migrate', max: 1 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => readMigrations(role, sqlDirectory) },
      migrationTableSchema: role.schema,
      migrationTableName: bookkeeping(role),
      migrationLockTableName: `${bookkeeping(role)}_lock`,
    });
    const { error, results } = await migrator.migrateToLatest();
    const failed = results?.find((result) => result.status === 'Error');
    if (error !== undefined) {
      const cause = toDatabaseError(error, { role: role.role, server: describeServer(role.url) });
      const name = failed === undefined ? '' : ` by '${failed.migrationName}'`;
      throw new DatabaseError(`The tables of '${role.role}' could not be brought up to date${name}: ${cause.message}`, {
        code: 'database-migration',
        facts: cause.facts,
        cause,
      });
    }
    return { role: role.role, applied: (results ?? []).map((result) => result.migrationName), isForeign: false };
  } finally {
    await db.destroy();
  }
}

/**
 * Tells which migrations of a role have not run yet; changes nothing.
 *
 * @throws DatabaseError
 */
export async function findPendingMigrations(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const names = Object.keys(await readMigrations(role, sqlDirectory)).sort();
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  try {
    const table = sql.table(role, bookkeeping(role));
    const there = await database.query(sql`select 1 where to_regclass(${table.text}) is not null`);
    if (there.length === 0) return names;
    const done = await database.query<{ name: string }>(sql`select name from ${table}`);
    return names.filter((name) => !done.some((row) => row.name === name));
  } finally {
    await database.close();
  }
}
