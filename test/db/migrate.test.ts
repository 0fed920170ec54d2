import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { findPendingMigrations, migrate, planMigration } from '#db/migrate.ts';

import { testDatabase } from './test-database.ts';

import type { Database } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

import type { TestDatabase } from './test-database.ts';

let given: TestDatabase;
let database: Database;
let directory: string;

beforeAll(async () => {
  given = await testDatabase();
  database = openDatabase(given.roles.status, { applicationName: 'migrate test' });
  directory = await mkdtemp(join(tmpdir(), 'slurp-migrate-'));
  await mkdir(join(directory, 'status'));
});

afterAll(async () => {
  await database.close();
  await given.close();
  await rm(directory, { recursive: true });
});

async function put(name: string, text: string): Promise<void> {
  await writeFile(join(directory, 'status', name), text);
}

function inSchema(schema: string): Role {
  return { ...given.roles.status, schema };
}

describe('migrate', () => {
  it('runs what has not run, in order, in the schema of the role', async () => {
    const role = inSchema('orderly');
    await put('0001-first.sql', 'create table production_status (n int); insert into production_status values (1);');
    await put('notes.txt', 'not a migration');
    expect(await findPendingMigrations(role, directory)).toEqual(['0001-first']);
    expect(await migrate(role, directory)).toEqual({ role: 'status', applied: ['0001-first'], isForeign: false });
    await put('0002-second.sql', 'update production_status set n = n + 1;');
    expect(await findPendingMigrations(role, directory)).toEqual(['0002-second']);
    expect(await migrate(role, directory)).toEqual({ role: 'status', applied: ['0002-second'], isForeign: false });
    expect(await migrate(role, directory)).toEqual({ role: 'status', applied: [], isForeign: false });
    expect(await database.query(sql`select n from ${sql.table(role, 'production_status')}`)).toEqual([{ n: 2 }]);
  });

  it('is safe when two do it at once', async () => {
    const role = inSchema('hurried');
    const reports = await Promise.all([1, 2, 3].map(() => migrate(role, directory)));
    expect(reports.flatMap((report) => report.applied)).toEqual(['0001-first', '0002-second']);
    expect(await database.query(sql`select n from ${sql.table(role, 'production_status')}`)).toEqual([{ n: 2 }]);
  });

  it('changes nothing if one of them fails, and says which', async () => {
    const role = inSchema('broken');
    await put('0003-third.sql', 'select 1; create table nonsense (n nothing);');
    await expect(migrate(role, directory)).rejects.toMatchObject({
      code: 'database-migration',
      facts: { state: '42704' },
      message: expect.stringContaining(`could not be brought up to date by '0003-third'`),
    });
    await rm(join(directory, 'status', '0003-third.sql'));
    const tables = await database.query(sql`select to_regclass('broken.production_status') as found`);
    expect(tables).toEqual([{ found: null }]);
  });

  it('leaves tables alone that others made', async () => {
    const role = inSchema('foreign');
    await database.execute(sql`create schema ${sql.identifier('foreign')}`);
    await database.execute(sql`create table ${sql.table(role, 'production_status')} (theirs int)`);
    for (const ask of [migrate, planMigration]) {
      await expect(ask(role, directory)).rejects.toMatchObject({
        code: 'database-foreign-tables',
        message: expect.stringMatching(/^The tables in schema 'foreign' of '.*' were not created by SLURP$/u),
      });
    }
    expect(await database.query(sql`select * from ${sql.table(role, 'production_status')}`)).toEqual([]);
  });

  it('refuses tables that a newer version brought up to date, and says what it ran', async () => {
    const role = inSchema('newer');
    await migrate(role, directory);
    await database.execute(sql`
      insert into ${sql.table(role, 'slurp_migration_status')} (name, timestamp) values ('9999-more', '2030-01-01')`);
    const refusal = {
      code: 'database-too-new',
      message: expect.stringContaining('were made by a newer version of SLURP, which ran 9999-more'),
    };
    for (const ask of [migrate, planMigration, findPendingMigrations]) {
      await expect(ask(role, directory)).rejects.toMatchObject(refusal);
    }
  });
});
