import { join } from 'node:path';

import { inject } from 'vitest';

import { startPostgres } from '#config/postgres/embedded-postgres.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { directoriesIn } from './test-server.ts';

import type { Database } from '#db/connect.ts';
import type { Role, RoleName } from '#model/site.ts';

/** Real, empty, migrated tables of all four roles, for one test file alone. */
export interface TestDatabase {
  readonly roles: Readonly<Record<RoleName, Role>>;
  /** Drops the database, ending the sessions that are still connected. */
  close(): Promise<void>;
}

let count = 0;

async function startServer(): Promise<string> {
  const directories = directoriesIn(inject('databaseDirectory'));
  await startPostgres(directories, { isDisposable: true });
  return directories.socket;
}

function roleIn(socket: string, database: string, role: RoleName, schema: string): Role {
  return { role, schema, url: `postgresql:///${database}?host=${encodeURIComponent(socket)}&user=slurp` };
}

async function withServer<T>(
  socket: string,
  action: (server: ReturnType<typeof openDatabase>) => Promise<T>,
): Promise<T> {
  const server = openDatabase(roleIn(socket, 'postgres', 'status', 'public'), { applicationName: 'test', max: 1 });
  try {
    return await action(server);
  } finally {
    await server.close();
  }
}

// The first who wants a template makes it, the others wait; it gets its name when it is whole.
async function makeTemplate(socket: string, name: string, roles: (database: string) => readonly Role[]): Promise<void> {
  await withServer(socket, (server) =>
    server.session(async (session) => {
      await session.query(sql`select pg_advisory_lock(hashtext(${name}))`);
      const found = await session.query(sql`select 1 from pg_database where datname = ${name}`);
      if (found.length > 0) return;
      const draft = `draft_${name}`;
      const [first] = roles(draft);
      if (first !== undefined) await createDatabase(first);
      for (const role of roles(draft)) await migrate(role, join(findPackageRoot(), 'sql'));
      await session.execute(sql`alter database ${sql.identifier(draft)} rename to ${sql.identifier(name)}`);
    }),
  );
}

async function cloneTemplate(role: Role, template: string): Promise<void> {
  await createDatabase(role, template);
}

function drop(socket: string, databases: readonly string[]): () => Promise<void> {
  return () =>
    withServer(socket, async (server) => {
      for (const database of databases) {
        await server.execute(sql`drop database if exists ${sql.identifier(database)} with (force)`);
      }
    });
}

function recordOf(make: (role: RoleName) => Role): Record<RoleName, Role> {
  return { daq: make('daq'), raw: make('raw'), catalog: make('catalog'), status: make('status') };
}

function nextName(): string {
  count += 1;
  return `test_${process.pid}_${count}`;
}

/** As on an embedded site: one database, a schema for each role. About 50 ms; the first of a run also starts the server. */
export async function testDatabase(): Promise<TestDatabase> {
  const socket = await startServer();
  const rolesIn = (database: string): Record<RoleName, Role> =>
    recordOf((role) => roleIn(socket, database, role, role));
  await makeTemplate(socket, 'together', (database) => Object.values(rolesIn(database)));
  const name = nextName();
  const roles = rolesIn(name);
  await cloneTemplate(roles.status, 'together');
  return { roles, close: drop(socket, [name]) };
}

/** The status database of a {@link testDatabase}, open. */
export interface TestStatus {
  readonly status: Database;
  /** Closes it and drops it. */
  close(): Promise<void>;
}

/** Opens a {@link TestStatus} for a test file that needs no other; `max` sessions at once. */
export async function openTestStatus(max?: number): Promise<TestStatus> {
  const { roles, close } = await testDatabase();
  const status = openDatabase(roles.status, { applicationName: 'test', ...(max === undefined ? {} : { max }) });
  return {
    status,
    close: async () => {
      await status.close();
      await close();
    },
  };
}

/** As on a large site: every role in a database of its own, schema `public`. */
export async function testDatabases(): Promise<TestDatabase> {
  const socket = await startServer();
  const name = nextName();
  const roles = recordOf((role) => roleIn(socket, `${name}_${role}`, role, 'public'));
  for (const role of roleNames) {
    const template = `alone_${role}`;
    await makeTemplate(socket, template, (database) => [roleIn(socket, database, role, 'public')]);
    await cloneTemplate(roles[role], template);
  }
  return {
    roles,
    close: drop(
      socket,
      roleNames.map((role) => `${name}_${role}`),
    ),
  };
}
