import { afterAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';

import { testDatabase, testDatabases } from './test-database.ts';

import type { TestDatabase } from './test-database.ts';

const opened: TestDatabase[] = [];
afterAll(async () => {
  for (const database of opened) await database.close();
});

async function countRows(database: TestDatabase): Promise<number> {
  const status = openDatabase(database.roles.status, { applicationName: 'test' });
  const rows = await status.query<{ n: number }>(
    sql`select count(*) as n from ${sql.table(status.role, 'production_cursor')}`,
  );
  await status.close();
  return rows[0]?.n ?? -1;
}

describe.each([
  ['in one database', testDatabase],
  ['in four databases', testDatabases],
])('a test database with its roles %s', (_, make) => {
  it('holds the tables of all roles, and no other test sees what is written there', async () => {
    const [one, other] = [await make(), await make()];
    opened.push(one, other);
    const status = openDatabase(one.roles.status, { applicationName: 'test' });
    await status.execute(
      sql`insert into ${sql.table(status.role, 'production_cursor')} (dsttype, build, tag, version, lastrun)
          values ('DST_EVENT', 'new', 'tag', 0, 7)`,
    );
    await status.close();
    const catalog = openDatabase(one.roles.catalog, { applicationName: 'test' });
    expect(await catalog.query(sql`select 1 from ${sql.table(catalog.role, 'files')}`)).toEqual([]);
    await catalog.close();
    expect([await countRows(one), await countRows(other)]).toEqual([1, 0]);
  });
});
