import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Kysely, sql as kyselySql, Migrator, PostgresDialect } from 'kysely';

import { DatabaseError } from '#model/errors.ts';

import { describeServer, openPool, sql } from './connect.ts';
import { toDatabaseError } from './database-error.ts';
import { bookkeepingOf, findApplied, withSnapshot } from './migration-bookkeeping.ts';

import type { Migration, Transaction } from 'kysely';

import type { MigrationReport } from '#model/report/migration.ts';
import type { Role, RoleName } from '#model/site.ts';

import type { Ask } from './migration-bookkeeping.ts';
import type { Statement } from './sql.ts';

/** Stands for the first migration where it answers true: it made the same tables in another way. */
export type BeginMigration = (ask: Ask) => Promise<boolean>;

/** A table that each role's first migration creates: without bookkeeping of SLURP, others created it. */
const landmarks: Readonly<Record<RoleName, string>> = {
  daq: 'filelist',
  raw: 'datasets',
  catalog: 'files',
  status: 'production_status',
};

async function readMigrationFiles(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const files = await readdir(join(sqlDirectory, role.role));
  return files.filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort();
}

function migrationNameOf(file: string): string {
  return file.replace(/\.sql$/, '');
}

/** Reads the names of the migrations of a role that this version has, in order. */
export async function readMigrationNames(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  return (await readMigrationFiles(role, sqlDirectory)).map(migrationNameOf);
}

async function readMigrations(
  role: Role,
  sqlDirectory: string,
  begin: BeginMigration | undefined,
): Promise<Record<string, Migration>> {
  const files = await readMigrationFiles(role, sqlDirectory);
  const entries = files.map(async (file, index): Promise<[string, Migration]> => {
    const text = await readFile(join(sqlDirectory, role.role, file), 'utf8');
    const up: Migration['up'] = async (transaction) => {
      await kyselySql`set local search_path to ${kyselySql.id(role.schema)}`.execute(transaction);
      if (index === 0 && begin !== undefined && (await begin(askBy(transaction)))) return;
      await kyselySql.raw(text).execute(transaction);
    };
    return [migrationNameOf(file), { up }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function askBy(transaction: Transaction<unknown> | Kysely<unknown>): Ask {
  return async <T extends object>({ pieces, values }: Statement) => {
    const template = Object.assign([...pieces], { raw: pieces });
    return (await kyselySql<T>(template, ...values).execute(transaction)).rows;
  };
}

interface MigrationState {
  /** Names of the migrations that have run, in order. */
  readonly applied: readonly string[];
  /** The tables are there, and no migration has run. */
  readonly isForeign: boolean;
}

async function findMigrationState(ask: Ask, role: Role, known: readonly string[]): Promise<MigrationState> {
  const applied = await findApplied(ask, role);
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new DatabaseError(
      `The tables in schema '${role.schema}' of '${describeServer(role.url)}' were made by a newer version of SLURP, which ran ${unknown.join(', ')}`,
      { code: 'database-too-new', advice: 'Use that version, or a newer one' },
    );
  }
  if (applied.length > 0) return { applied, isForeign: false };
  const found = await ask(sql`
    select 1 from pg_tables where schemaname = ${role.schema} and tablename = ${landmarks[role.role]}`);
  return { applied, isForeign: found.length > 0 };
}

function checkForeign({ isForeign }: MigrationState, role: Role): void {
  if (!isForeign || role.role !== 'status') return;
  throw new DatabaseError(
    `The tables in schema '${role.schema}' of '${describeServer(role.url)}' were not created by SLURP`,
    { code: 'database-foreign-tables', advice: "Name another schema for 'status' in the site file" },
  );
}

/**
 * Brings a role's tables up to date: runs the files of `sqlDirectory/ROLE/NNNN-name.sql` that have not run there yet,
 * in order, all in one transaction, with `search_path` set to the role's schema, which is made if absent. Two at once
 * are safe: the second waits and finds nothing to do. Tables of `daq`, `raw` and `catalog` that others made are left as
 * they are.
 *
 * @param begin if given, it decides what becomes of tables that others made
 * @throws DatabaseError; then nothing has changed; `database-foreign-tables` if others made those of `status`
 */
export async function migrate(role: Role, sqlDirectory: string, begin?: BeginMigration): Promise<MigrationReport> {
  const known = await readMigrationNames(role, sqlDirectory);
  const state = await withSnapshot(role, (ask) => findMigrationState(ask, role, known));
  if (begin === undefined) {
    checkForeign(state, role);
    if (state.isForeign) return { role: role.role, applied: [], isForeign: true };
  }
  const applied = await runMigrations(role, await readMigrations(role, sqlDirectory, begin));
  return { role: role.role, applied, isForeign: false };
}

async function runMigrations(role: Role, migrations: Record<string, Migration>): Promise<readonly string[]> {
  const pool = openPool(role, { applicationName: 'slurp migrate', max: 1 });
  // A connection lost at work fails its statement; without a listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve(migrations) },
      migrationTableSchema: role.schema,
      migrationTableName: bookkeepingOf(role),
      migrationLockTableName: `${bookkeepingOf(role)}_lock`,
    });
    const { error, results } = await migrator.migrateToLatest();
    const failed = results?.find((result) => result.status === 'Error');
    if (error instanceof DatabaseError) throw error;
    if (error !== undefined) {
      const cause = toDatabaseError(error, { role: role.role, server: describeServer(role.url) });
      const name = failed === undefined ? '' : ` by '${failed.migrationName}'`;
      throw new DatabaseError(`The tables of '${role.role}' could not be brought up to date${name}: ${cause.message}`, {
        code: 'database-migration',
        facts: cause.facts,
        cause,
      });
    }
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

/**
 * Reports what {@link migrate} would do now; changes nothing, and takes no locks.
 *
 * @throws DatabaseError as {@link migrate} would, as far as it can be seen
 */
export async function planMigration(role: Role, sqlDirectory: string): Promise<MigrationReport> {
  const known = await readMigrationNames(role, sqlDirectory);
  const state = await withSnapshot(role, (ask) => findMigrationState(ask, role, known));
  checkForeign(state, role);
  const { applied, isForeign } = state;
  return { role: role.role, applied: isForeign ? [] : known.filter((name) => !applied.includes(name)), isForeign };
}

/**
 * Reports which migrations of a role have not run yet; changes nothing.
 *
 * @throws DatabaseError
 */
export async function findPendingMigrations(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const known = await readMigrationNames(role, sqlDirectory);
  const { applied } = await withSnapshot(role, (ask) => findMigrationState(ask, role, known));
  return known.filter((name) => !applied.includes(name));
}
