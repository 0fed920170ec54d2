import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adoptAndMigrate, planAdoptAndMigrate } from '#adopt/adopt-and-migrate.ts';
import { putFiles } from '#db/catalog/put-files.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { testDatabase } from '../db/test-database.ts';

import type { Database } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

import type { TestDatabase } from '../db/test-database.ts';

const sqlDirectory = join(findPackageRoot(), 'sql');
let given: TestDatabase;
let database: Database;

beforeAll(async () => {
  given = await testDatabase();
  database = openDatabase(given.roles.catalog, { applicationName: 'adopt test' });
});

afterAll(async () => {
  await database.close();
  await given.close();
});

async function catalogOf(schema: string, text: string): Promise<Role> {
  await database.session(async (session) => {
    await session.execute(sql`create schema ${sql.identifier(schema)}`);
    await session.execute(sql`select set_config('search_path', ${schema}, false)`);
    await session.script(text);
  });
  return { ...given.roles.catalog, schema };
}

const whole = `
  create table files (lfn varchar(128), full_host_name varchar(32), full_file_path varchar(512), time timestamp,
    size bigint, md5 varchar(32), constraint files_pkey primary key (lfn, full_host_name, full_file_path));
  create table datasets (filename varchar(128), runnumber int, segment int, size bigint, dataset varchar(64),
    dsttype varchar(64), events int, constraint datasets_pkey primary key (filename, dataset));
  alter table datasets add column firstevent int, add column lastevent int, add column tag varchar(16),
    add column status int, add column daqhost varchar(16);`;

const staged = {
  ...{ lfn: 'a.root', host: 'lustre', path: '/data/a.root', sizeBytes: 5_000_000_000, md5: 'x', run: 1, segment: 0 },
  ...{ dataset: 'new_nocdbtag', dsttype: 'DST_X_run2pp', events: 7 },
};

describe('a file catalog that others made', () => {
  it('is left as it is where nothing is missing: not even a list of migrations is made', async () => {
    const role = await catalogOf('complete', whole);
    const left = { role: 'catalog', applied: [], isForeign: true };
    expect(await planAdoptAndMigrate(role, sqlDirectory)).toEqual(left);
    expect(await adoptAndMigrate(role, sqlDirectory)).toEqual(left);
    expect(await database.query(sql`select tablename from pg_tables where schemaname = 'complete' order by 1`)).toEqual(
      [{ tablename: 'datasets' }, { tablename: 'files' }],
    );
  });

  it("is used as it is with the original's seven columns of datasets: nothing is asked of its owner (C-A7)", async () => {
    const role = await catalogOf(
      'seven',
      `create table files (lfn text, full_host_name text, full_file_path text, time timestamp, size bigint, md5 text,
         constraint files_pkey primary key (lfn, full_host_name, full_file_path));
       create table datasets (filename text, runnumber int, segment int, size bigint, dataset text, dsttype text, events int,
         constraint datasets_pkey primary key (filename, dataset));`,
    );
    const left = { role: 'catalog', applied: [], isForeign: true };
    expect(await planAdoptAndMigrate(role, sqlDirectory)).toEqual(left);
    expect(await adoptAndMigrate(role, sqlDirectory)).toEqual(left);
    const catalog = openDatabase(role, { applicationName: 'adopt test', max: 1 });
    await putFiles(catalog, [staged]);
    expect(await catalog.query(sql`select * from seven.datasets`)).toEqual([
      {
        ...{ filename: 'a.root', runnumber: 1, segment: 0, size: 5_000_000_000, dataset: 'new_nocdbtag' },
        ...{ dsttype: 'DST_X_run2pp', events: 7 },
      },
    ]);
    await catalog.close();
  });

  it('gets the columns and keys that are missing, and room for large files', async () => {
    const role = await catalogOf(
      'lacking',
      `create table files (lfn text, full_host_name text, full_file_path text, size int);
       create table datasets (filename text, runnumber int, segment int, size int, dataset text, dsttype text, events int,
         id serial, constraint numbers primary key (id));
       insert into files values ('old.root', 'lustre', '/data/old.root', 12);
       insert into datasets values ('old.root', 1, 0, 12, 'new_nocdbtag', 'DST_X_run2pp', 3);`,
    );
    const plan = await planAdoptAndMigrate(role, sqlDirectory);
    expect(plan.adoption?.added).toEqual([
      ...['files.time', 'files.md5'],
      ...['files_pkey (lfn, full_host_name, full_file_path)', 'datasets_pkey (filename, dataset)'],
    ]);
    const report = await adoptAndMigrate(role, sqlDirectory);
    expect(report).toEqual({ ...plan, adoption: { ...plan.adoption, rewrittenBytes: expect.any(Number) } });
    expect(report.adoption?.counts).toEqual([
      { table: 'files', before: 1, after: 1 },
      { table: 'datasets', before: 1, after: 1 },
    ]);
    expect(await adoptAndMigrate(role, sqlDirectory)).toEqual({ role: 'catalog', applied: [], isForeign: true });
    const catalog = openDatabase(role, { applicationName: 'adopt test', max: 1 });
    await putFiles(catalog, [staged]);
    await putFiles(catalog, [staged]);
    expect(await catalog.query(sql`select lfn, size from lacking.files order by lfn`)).toEqual([
      { lfn: 'a.root', size: 5_000_000_000 },
      { lfn: 'old.root', size: 12 },
    ]);
    await catalog.close();
  });

  it('is refused if it is something else, or its keys have another meaning', async () => {
    const role = await catalogOf(
      'other_files',
      `create table files (id uuid primary key, lfn text);
       create table datasets (filename text, runnumber int, segment int, dataset text, dsttype text,
         constraint datasets_pkey primary key (filename));`,
    );
    const refusal = {
      code: 'database-foreign-tables',
      message: expect.stringMatching(/^The file catalog in schema 'other_files' of '.*' is none that SLURP can use$/),
      complaints: [
        "Table 'files' has no column 'full_host_name'",
        "Table 'files' has no column 'full_file_path'",
        "'files_pkey' is a key over id: expected lfn, full_host_name, full_file_path",
        "'datasets_pkey' is a key over filename: expected filename, dataset",
      ],
    };
    await expect(planAdoptAndMigrate(role, sqlDirectory)).rejects.toMatchObject(refusal);
    await expect(adoptAndMigrate(role, sqlDirectory)).rejects.toMatchObject(refusal);
  });

  it('rows that share what should be a key are named, and nothing has changed', async () => {
    const role = await catalogOf(
      'doubled',
      `create table files (lfn text, full_host_name text, full_file_path text);
       create table datasets (filename text, runnumber int, segment int, dataset text, dsttype text);
       insert into files select 'a.root', 'lustre', '/data/a.root' from generate_series(1, 2);`,
    );
    await expect(adoptAndMigrate(role, sqlDirectory)).rejects.toMatchObject({
      code: 'database-unique',
      facts: { detail: 'Key (lfn, full_host_name, full_file_path)=(a.root, lustre, /data/a.root) is duplicated.' },
    });
    const columns = sql`select count(*) from information_schema.columns where table_schema = 'doubled'`;
    expect(await database.query(columns)).toEqual([{ count: 8 }]);
  });
});
