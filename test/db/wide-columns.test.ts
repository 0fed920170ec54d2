import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';

import { testDatabase } from './test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestDatabase } from './test-database.ts';

/** Longer than any column of the original: its longest took 128 characters. */
const name = `DST_STREAMING_EVENT_${'A_VERY_LONG_NAME_'.repeat(10)}run2ppfast`;

let database: TestDatabase;
let status: Database;
beforeAll(async () => {
  database = await testDatabase();
  status = openDatabase(database.roles.status, { applicationName: 'test' });
});
afterAll(async () => {
  await status.close();
  await database.close();
});

test('no column of status or catalog is shorter than a name may be', async () => {
  const { schema } = status.role;
  const limited = await status.query(sql`
    select table_name, column_name from information_schema.columns
    where table_schema in (${schema}, ${database.roles.catalog.schema}) and character_maximum_length is not null
      and table_name not like 'slurp_migration%'`);
  expect(limited).toEqual([]);

  const table = (word: string) => sql.table(status.role, word);
  const [setup] = await status.query<{ id: number }>(sql`
    insert into ${table('production_setup')} (name, build, dbtag, repo, dir, hash)
    values (${name}, ${name}, ${name}, 'r', 'd', ${name}) returning id`);
  const state = sql`'held'::${table('prodstate')}`;
  await status.execute(sql`
    insert into ${table('production_status')}
      (dsttype, dstname, dstfile, run, segment, nsegments, inputs, ranges, prod_id, cluster, process, status,
       submission_host, execution_node)
    values (${name}, ${name}, ${name}, 1, 0, 0, 'f', 'f:1:2', ${setup?.id ?? 0}, 0, 0, ${state}, ${name}, ${name})`);
  expect(
    await status.query(sql`select dstfile, ranges, status::text, execution_node from ${table('production_status')}`),
  ).toEqual([{ dstfile: name, ranges: 'f:1:2', status: 'held', execution_node: name }]);
});

test('an entry of invalid_run_list has a key', async () => {
  const table = sql.table(status.role, 'invalid_run_list');
  const put = (id: number) =>
    status.execute(sql`
    insert into ${table} (id, dstname, first_run) values (${id}, ${name}, 1)`);
  await put(1000);
  await expect(put(1000)).rejects.toMatchObject({ code: 'database-unique' });
});
