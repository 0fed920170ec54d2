import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describeServer } from '#db/connect.ts';
import { bookkeepingOf, findApplied, withTablesLocked } from '#db/migration-bookkeeping.ts';
import { sql } from '#db/sql.ts';
import { DatabaseError } from '#model/errors.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Role } from '#model/site.ts';

/** Migrations of the versions before the first release, in which a cupsid was called `attempt`; the first and the last. */
const earlier = { first: '0001-production', last: '0012-product-directories' } as const;

/** Migrations whose tables are there once the names are changed. */
const renamed = ['0001-attempts', '0002-event-log', '0003-files'] as const;

/**
 * Returns whether a version before the first release adopted the tables of a role from the original, and brought them up
 * to date: then their names are to be changed first ({@link migrateEarlier}).
 *
 * @throws DatabaseError `database-too-old` where such a version created the tables, or did not bring them up to date
 * @see docs/adopt.md
 */
export async function isOfEarlierVersion(ask: Ask, role: Role): Promise<boolean> {
  if (role.role !== 'status') return false;
  const applied = await findApplied(ask, role);
  if (!applied.includes(earlier.first)) return false;
  const what = `The tables in schema '${role.schema}' of '${describeServer(role.url)}'`;
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
 * make these tables have run. A second caller finds nothing to do.
 *
 * @returns names of the migrations that count as applied now
 * @throws DatabaseError; then nothing has changed
 */
export async function migrateEarlier(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const text = await readFile(join(sqlDirectory, role.role, 'earlier', '01-rename.sql'), 'utf8');
  const table = sql.table(role, bookkeepingOf(role));
  return withTablesLocked(role, async (ask) => {
    if ((await ask(sql`select 1 from ${table} where name = ${earlier.first}`)).length === 0) return [];
    await ask(sql.verbatim(text));
    await ask(sql`delete from ${table}`);
    await ask(sql`
      insert into ${table} (name, timestamp)
      select name, to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      from unnest(${renamed}::text[]) as name`);
    return renamed;
  });
}
