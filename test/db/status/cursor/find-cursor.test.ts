import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';

import { openTestStatus } from '../../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../../test-database.ts';

let opened: TestStatus;
let status: Database;
beforeAll(async () => {
  opened = await openTestStatus();
  ({ status } = opened);
  await status.execute(sql`
    insert into ${sql.table(status.role, 'production_cursor')} (dsttype, build, tag, version, lastrun) values
      ('DST_A_run2pp', 'ana437', '2024p007', 1, 500), ('DST_A_run2pp', 'ana.437', '2024p005', 1, 400),
      ('DST_A_run2pp', 'ana437', '2024p007', 2, 600), ('DST_S_X__run2pp', 'new', 'nocdbtag', 0, 700)`);
});
afterAll(() => opened.close());

test.each([
  ['its own row', 'DST_A_run2pp', 'ana437', '2024p007', 1, 500],
  ['the row of its version', 'DST_A_run2pp', 'ana437', '2024p007', 2, 600],
  ['a row that was written with the dotted build', 'DST_A_run2pp', 'ana437', '2024p005', 1, 400],
  ['the newest of another tag where it has none', 'DST_A_run2pp', 'ana437', '2025p001', 1, 400],
  ['nothing of another build', 'DST_A_run2pp', 'ana438', '2024p007', 1, 0],
  ['nothing where there is none', 'DST_B_run2pp', 'new', '2024p007', 0, 0],
])('C-K3: finds %s', async (_, dsttype, build, tag, version, lastrun) => {
  expect(await findCursor(status, { dsttype, build, tag, version })).toBe(lastrun);
});
