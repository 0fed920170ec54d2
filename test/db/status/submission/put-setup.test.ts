import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { putSetup } from '#db/status/submission/put-setup.ts';

import { openTestStatus } from '../../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../../test-database.ts';

const setup = {
  name: 'DST_A_run2pp_with_a_name_that_is_longer_than_thirty_two_letters',
  ...{ build: 'ana.437', dbtag: '2024p007', repo: 'https://example.org/a.git', dir: './a/', hash: 'abc1234' },
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

test('C-P4: keeps one row for each revision, and one for none', async () => {
  const [first, second, none] = [
    await putSetup(status, { ...setup, revision: 1 }),
    await putSetup(status, { ...setup, revision: 2 }),
    await putSetup(status, setup),
  ];
  expect(new Set([first, second, none]).size).toBe(3);
  expect(await putSetup(status, { ...setup, revision: 1 })).toBe(first);
  expect(await putSetup(status, setup)).toBe(none);
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
