import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { putSetup } from '#db/status/submission/put-setup.ts';

import { openTestStatus } from '../../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../../test-database.ts';

const setup = {
  production: {
    dsttype: 'DST_$(streamname)_run2pp_with_a_name_that_is_longer_than_thirty_two_letters',
    ...{ build: 'ana437', tag: '2024p007' },
  },
  ...{ buildarg: 'ana.437', repo: 'https://example.org/a.git', dir: './a/', hash: 'abc1234' },
  isDirty: false,
  payload: 'a'.repeat(40),
};

let opened: TestStatus;
let status: Database;
beforeAll(async () => {
  opened = await openTestStatus();
  ({ status } = opened);
});
afterAll(() => opened.close());

const of = (version: number) => ({ ...setup, production: { ...setup.production, version } });

test('C-P4: keeps one row for each revision, and one for none', async () => {
  const [first, second, zero, none] = [
    await putSetup(status, of(1)),
    await putSetup(status, of(2)),
    await putSetup(status, of(0)),
    await putSetup(status, setup),
  ];
  expect(new Set([first, second, zero, none]).size).toBe(4);
  expect(await putSetup(status, of(1))).toBe(first);
  expect(await putSetup(status, setup)).toBe(none);
  const table = sql.table(status.role, 'production_setup');
  expect(await status.query(sql`select name, build, dbtag, revision from ${table} where id = ${none}`)).toEqual([
    {
      name: 'DST__X__run2pp_with_a_name_that_is_longer_than_thirty_two_letters',
      ...{ build: 'ana.437', dbtag: '2024p007', revision: null },
    },
  ]);
  const again = sql`
    insert into ${table} (name, build, dbtag, repo, dir, hash, revision, payload)
    select name, build, dbtag, repo, dir, hash, revision, payload from ${table} where id = ${none}`;
  await expect(status.execute(again)).rejects.toMatchObject({ code: 'database-unique' });
});

test('C-P17: keeps one row for each content of the payload, so that each is as dirty as what ran', async () => {
  const clean = await putSetup(status, setup);
  const dirty = await putSetup(status, { ...setup, isDirty: true, payload: 'b'.repeat(40) });
  expect(dirty).not.toBe(clean);
  expect(await putSetup(status, setup)).toBe(clean);
  const rows = await status.query<{ readonly dirty: boolean }>(
    sql`select dirty from ${sql.table(status.role, 'production_setup')} where id in (${clean}, ${dirty}) order by id`,
  );
  expect(rows.map((row) => row.dirty)).toEqual([false, true]);
});
