import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Kysely, sql as kyselySql, Migrator, PostgresDialect } from 'kysely';

import { DatabaseError } from '#model/errors.ts';
import { present } from '#util/present.ts';

import { adoptCatalog, describeCatalog, findOriginalCatalog } from './adopt/adopt-catalog.ts';
import { adoptStatus, findOriginalStatus, foretellAdoption } from './adopt/adopt-status.ts';
import { describeServer, openDatabase, openPool, sql } from './connect.ts';
import { toDatabaseError } from './database-error.ts';
import { isOfEarlierVersion, migrateEarlier } from './earlier-version.ts';

import type { Migration, Transaction } from 'kysely';

import type { Role, RoleName } from '#model/site.ts';

import type { Adoption, TellPhase } from './adopt/adoption.ts';
import type { Ask } from './adopt/find-tables.ts';
import type { Session } from './connect.ts';
import type { Statement } from './sql.ts';

/** What {@link migrate} did, or will do. */
export interface MigrationReport {
  readonly role: RoleName;
  /** Names of the migrations that run, in order; empty when all had run before. */
  readonly applied: readonly string[];
  /** The tables are there and belong to others: nothing but what SLURP lacks is added. Never for `status`. */
  readonly isForeign: boolean;
  /** Tables of another system that are taken over, and how. */
  readonly adoption?: Adoption;
  /** An earlier version of SLURP had taken them over: only names change. */
  readonly isAdoptedAgain?: boolean;
}

/** How {@link migrate} reports what it does, and how long it waits. */
export interface MigrateOptions {
  readonly tell?: TellPhase;
  /** How long to wait for tables that others use, before they are adopted; 20 s by default. */
  readonly lockTimeoutMs?: number;
}

/** A table that each role's first migration makes: where it stands without our own bookkeeping, others made it. */
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

/**
 * Reads the migrations of a role.
 *
 * @param begin stands for the first migration where it answers true: it made the same tables in another way
 */
async function readMigrations(
  role: Role,
  sqlDirectory: string,
  begin: (ask: Ask) => Promise<boolean>,
): Promise<Record<string, Migration>> {
  const files = await readMigrationFiles(role, sqlDirectory);
  const entries = files.map(async (file, index): Promise<[string, Migration]> => {
    const text = await readFile(join(sqlDirectory, role.role, file), 'utf8');
    const up: Migration['up'] = async (transaction) => {
      await kyselySql`set local search_path to ${kyselySql.id(role.schema)}`.execute(transaction);
      if (index === 0 && (await begin(askBy(transaction)))) return;
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

/** Name of the table that keeps what was applied to a role; one each, since roles may share a schema. */
function bookkeepingOf(role: Role): string {
  return `slurp_migration_${role.role}`;
}

async function isThere(ask: Ask, role: Role, table: string): Promise<boolean> {
  return (
    (await ask(sql`select 1 from pg_tables where schemaname = ${role.schema} and tablename = ${table}`)).length > 0
  );
}

// The table of our own bookkeeping alone says nothing: it is made before the first migration, and stays if that fails.
async function findApplied(ask: Ask, role: Role): Promise<readonly string[]> {
  if (!(await isThere(ask, role, bookkeepingOf(role)))) return [];
  const rows = await ask<{ name: string }>(sql`select name from ${sql.table(role, bookkeepingOf(role))} order by name`);
  return rows.map(({ name }) => name);
}

// One look at the database, at one moment, that changes nothing.
async function withSnapshot<T>(role: Role, action: (ask: Ask) => Promise<T>): Promise<T> {
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

/** Who made the tables of a role. @throws DatabaseError where another version did whose tables cannot be used */
async function findMaker(
  ask: Ask,
  role: Role,
  files: readonly string[],
): Promise<'we' | 'earlier' | 'none' | 'others'> {
  const applied = await findApplied(ask, role);
  if (applied.length > 0) {
    return (await isOfEarlierVersion(ask, role, applied, files.map(migrationNameOf))) ? 'earlier' : 'we';
  }
  if (role.role === 'status') return (await findOriginalStatus(ask, role)) === undefined ? 'none' : 'others';
  if (role.role === 'catalog') return (await findOriginalCatalog(ask, role)) === undefined ? 'none' : 'others';
  return (await isThere(ask, role, landmarks[role.role])) ? 'others' : 'none';
}

async function adoptOneCatalog(role: Role, sqlDirectory: string, tell: TellPhase): Promise<Adoption | undefined> {
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  try {
    return await database.transaction(async (session: Session) => {
      await session.query(sql`select pg_advisory_xact_lock(hashtext('slurp migrate'))`);
      await session.query(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, true)`);
      return adoptCatalog((statement) => session.query(statement), role, sqlDirectory, tell);
    });
  } finally {
    await database.close();
  }
}

/**
 * Brings a role's tables up to date: runs the files of `sqlDirectory/ROLE/NNNN-name.sql` that have not run there yet,
 * in order, all in one transaction, with `search_path` set to the role's schema, which is made if absent. Two at once
 * are safe: the second waits and finds nothing to do.
 *
 * Tables that others made: those of a production by the original are adopted in place, in the same transaction; a file
 * catalog gets what SLURP lacks in it, and no bookkeeping of ours; those of `daq` and `raw` are left as they are.
 *
 * @throws DatabaseError; then nothing has changed
 * @see docs/adopt.md
 */
export async function migrate(
  role: Role,
  sqlDirectory: string,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const { tell = () => undefined, lockTimeoutMs = 20_000 } = options;
  const files = await readMigrationFiles(role, sqlDirectory);
  const maker = await withSnapshot(role, (ask) => findMaker(ask, role, files));
  if (maker === 'others' && role.role !== 'status') {
    const adoption = role.role === 'catalog' ? await adoptOneCatalog(role, sqlDirectory, tell) : undefined;
    return { role: role.role, applied: [], isForeign: true, ...present({ adoption }) };
  }
  let adoption: Adoption | undefined;
  const begin = async (ask: Ask): Promise<boolean> => {
    if (role.role === 'status') adoption = await adoptStatus(ask, role, sqlDirectory, { tell, lockTimeoutMs });
    return adoption !== undefined;
  };
  const renamed = maker === 'earlier' ? await migrateEarlier(role, sqlDirectory, bookkeepingOf(role)) : [];
  const applied = await runMigrations(role, await readMigrations(role, sqlDirectory, begin));
  return {
    role: role.role,
    applied: [...renamed, ...applied],
    isForeign: false,
    ...(renamed.length === 0 ? {} : { isAdoptedAgain: true }),
    ...present({ adoption }),
  };
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
  const files = await readMigrationFiles(role, sqlDirectory);
  return withSnapshot(role, async (ask) => {
    const maker = await findMaker(ask, role, files);
    const common = { role: role.role, isForeign: maker === 'others' && role.role !== 'status' };
    if (role.role === 'catalog' && maker === 'others') {
      const catalog = await findOriginalCatalog(ask, role);
      const isComplete = catalog === undefined || catalog.missing.length + catalog.changes.length === 0;
      return { ...common, applied: [], ...(isComplete ? {} : { adoption: await describeCatalog(ask, role, catalog) }) };
    }
    if (common.isForeign) return { ...common, applied: [] };
    const done = await findApplied(ask, role);
    const applied = files.map(migrationNameOf).filter((name) => !done.includes(name));
    if (maker === 'earlier') return { ...common, applied, isAdoptedAgain: true };
    const original = maker === 'others' ? await findOriginalStatus(ask, role) : undefined;
    return {
      ...common,
      applied,
      ...(original === undefined ? {} : { adoption: await foretellAdoption(ask, role, original) }),
    };
  });
}

/**
 * Reports which migrations of a role have not run yet; changes nothing.
 *
 * @throws DatabaseError
 */
export async function findPendingMigrations(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const files = await readMigrationFiles(role, sqlDirectory);
  const done = await withSnapshot(role, async (ask) => {
    const applied = await findApplied(ask, role);
    const isEarlier = await isOfEarlierVersion(ask, role, applied, files.map(migrationNameOf));
    return isEarlier ? [] : applied;
  });
  return files.map(migrationNameOf).filter((name) => !done.includes(name));
}
