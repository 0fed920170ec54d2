import { DatabaseError } from '#model/errors.ts';

import { openDatabase, sql } from './connect.ts';

import type { Role } from '#model/site.ts';

function withDatabase(role: Role, name: string): Role {
  const url = new URL(role.url);
  url.pathname = `/${name}`;
  return { ...role, url: url.href };
}

/**
 * Makes the database that the role's address names, unless it is there; two at once are safe. For servers of our own.
 *
 * @param template an existing database without connections, to be copied
 * @throws DatabaseError
 */
export async function createDatabase(role: Role, template?: string): Promise<void> {
  const name = decodeURIComponent(new URL(role.url).pathname.slice(1));
  const server = openDatabase(withDatabase(role, 'postgres'), { applicationName: 'slurp create', max: 1 });
  try {
    const found = await server.query(sql`select 1 from pg_database where datname = ${name}`);
    if (found.length > 0) return;
    const copied = template === undefined ? sql`` : sql` template ${sql.identifier(template)} strategy file_copy`;
    await server.execute(sql`create database ${sql.identifier(name)}${copied}`);
  } catch (error) {
    // Lost a race for the same name: in pg_database's index, or before it.
    const state = error instanceof DatabaseError ? error.facts['state'] : undefined;
    if (state !== '42P04' && state !== '23505') throw error;
  } finally {
    await server.close();
  }
}
