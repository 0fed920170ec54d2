import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { adoptCursor, moveCursor } from '#db/status/cursor/move-cursor.ts';

import { openTestStatus } from '../../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../../test-database.ts';

const production = { dsttype: 'DST_A_run2pp', build: 'ana437', tag: '2024p007', version: 1 };

let opened: TestStatus;
let status: Database;
beforeAll(async () => {
  opened = await openTestStatus();
  ({ status } = opened);
});
afterAll(() => opened.close());
beforeEach(() => status.execute(sql`delete from ${sql.table(status.role, 'production_cursor')}`));

async function put(build: string, tag: string, lastrun: number): Promise<void> {
  await status.execute(sql`
    insert into ${sql.table(status.role, 'production_cursor')} (dsttype, build, tag, version, lastrun)
    values (${production.dsttype}, ${build}, ${tag}, 1, ${lastrun})`);
}

const move = (run: number, kind: 'forward' | 'set') =>
  status.transaction((session) => moveCursor(session, { production, run, kind }));

const rows = () =>
  status.query(sql`
    select build, tag, lastrun from ${sql.table(status.role, 'production_cursor')} order by tag, build`);

test('C-K3: makes the row, under the build without dots, where there is none', async () => {
  expect(await move(500, 'forward')).toMatchObject({ before: 0, after: 500 });
  expect(await rows()).toEqual([{ build: 'ana437', tag: '2024p007', lastrun: 500 }]);
  expect(await findCursor(status, production)).toBe(500);
});

test('goes backwards only when it is set (C-K10)', async () => {
  await move(500, 'forward');
  expect(await move(400, 'forward')).toMatchObject({ before: 500, after: 500 });
  expect(await move(300, 'set')).toMatchObject({ before: 500, after: 300 });
});

test('makes a row that was written with the dotted build the one row of the production', async () => {
  await put('ana.437', '2024p007', 800);
  expect(await move(700, 'forward')).toMatchObject({ before: 800, after: 800 });
  expect(await rows()).toEqual([{ build: 'ana437', tag: '2024p007', lastrun: 800 }]);
});

test('starts a new tag at the cursor of the newest other tag', async () => {
  await put('ana437', '2024p005', 900);
  await put('ana437', '2024p006', 600);
  await adoptCursor(status, production);
  await adoptCursor(status, { ...production, dsttype: randomUUID() });
  expect(await rows()).toEqual([
    { build: 'ana437', tag: '2024p005', lastrun: 900 },
    { build: 'ana437', tag: '2024p006', lastrun: 600 },
    { build: 'ana437', tag: '2024p007', lastrun: 600 },
  ]);
  await move(700, 'forward');
  await adoptCursor(status, production);
  expect(await findCursor(status, production)).toBe(700);
});
