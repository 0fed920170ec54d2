import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DatabaseError } from '#model/errors.ts';

import { describeServer, openDatabase } from './connect.ts';
import { sql } from './sql.ts';

import type { Role } from '#model/site.ts';

import type { Ask } from './adopt/find-tables.ts';

/** Migrations of the versions before the first release, in which a cupsid was called `attempt`; the first and the last. */
const earlier = { first: '0001-production', last: '0012-product-directories' } as const;

/** Migrations whose tables are there once the names are changed. */
const renamed = ['0001-attempts', '0002-event-log', '0003-files'] as const;

/**
 * Compares the migrations that ran on a role with those that this version has. Tables of the versions before the first
 * release can be used further if that version adopted them from the original, and had brought them up to date.
 *
 * @param applied names, in order
 * @param known names of the migrations of this version
 * @returns whether the names are to be changed first ({@link migrateEarlier})
 * @throws DatabaseError `database-too-old`, `database-too-new`
 * @see docs/adopt.md
 */
export async function isOfEarlierVersion(
  ask: Ask,
  role: Role,
  applied: readonly string[],
  known: readonly string[],
): Promise<boolean> {
  const what = `The tables in schema '${role.schema}' of '${describeServer(role.url)}'`;
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length === 0) return false;
  if (role.role !== 'status' || !applied.includes(earlier.first)) {
    throw new DatabaseError(`${what} were made by a newer version of SLURP, which ran ${unknown.join(', ')}`, {
      code: 'database-too-new',
      advice: 'Use that version, or a newer one',
    });
  }
  const [found] = await ask<{ readonly isAdopted: boolean }>(sql`
    select exists (
      select from ${sql.table(role, 'production_status')} where submission_id is null
    ) as "isAdopted"`);
  if (found?.isAdopted !== true) {
    throw new DatabaseError(`${what} are too old: a version of SLURP before the first release made them`, {
      code: 'database-too-old',
      advice:
        'They cannot be converted, and hold no rows of an older system: remove the site (or drop the schema) and make it again',
    });
  }
  if (!applied.includes(earlier.last)) {
    throw new DatabaseError(
      `${what} are too old: a version of SLURP before the first release adopted them, and ran migrations up to '${applied.at(-1) ?? 'none'}' of '${earlier.last}'`,
      {
        code: 'database-too-old',
        advice: "Run 'slurp db migrate' of the last version before the first release, then of this one",
      },
    );
  }
  return true;
}

/**
 * Changes the names of an adopted database of an earlier version, in one transaction, and notes that the migrations that
 * make these tables have run. Whoever comes second finds nothing to do.
 *
 * @param bookkeeping name of the table that keeps what was applied
 * @returns names of the migrations that count as applied now
 * @throws DatabaseError; then nothing has changed
 */
export async function migrateEarlier(
  role: Role,
  sqlDirectory: string,
  bookkeeping: string,
): Promise<readonly string[]> {
  const text = await readFile(join(sqlDirectory, role.role, 'earlier', '01-rename.sql'), 'utf8');
  const database = openDatabase(role, { applicationName: 'slurp migrate', max: 1 });
  const table = sql.table(role, bookkeeping);
  try {
    return await database.transaction(async (session) => {
      await session.query(sql`select pg_advisory_xact_lock(hashtext('slurp migrate'))`);
      await session.query(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, true)`);
      if ((await session.query(sql`select 1 from ${table} where name = ${earlier.first}`)).length === 0) return [];
      await session.query(sql.verbatim(text));
      await session.query(sql`delete from ${table}`);
      await session.query(sql`
        insert into ${table} (name, timestamp)
        select name, to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        from unnest(${renamed}::text[]) as name`);
      return renamed;
    });
  } finally {
    await database.close();
  }
}
