import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findSubmittedSegments } from '#db/status/find-submitted-segments.ts';
import { putSetup } from '#db/status/submission/put-setup.ts';

import { openTestStatus } from '../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../test-database.ts';

let opened: TestStatus;
let status: Database;
beforeAll(async () => {
  opened = await openTestStatus();
  ({ status } = opened);
});
afterAll(() => opened.close());

test('names the segments of each run that these submissions consist of, and no others', async () => {
  const setup = await putSetup(status, {
    production: { dsttype: 'DST_A_run2pp', build: 'new', tag: '2024p007' },
    ...{ buildarg: 'new', repo: 'r', dir: 'd', hash: 'abc1234' },
    isDirty: false,
    payload: 'a'.repeat(40),
  });
  const [ours, other] = [randomUUID(), randomUUID()];
  const table = (name: string) => sql.table(status.role, name);
  for (const [uuid, count] of [
    [ours, 4],
    [other, 1],
  ] as const) {
    await status.execute(sql`
      insert into ${table('submission')} (uuid, rule, backend, count, submission_host, submitted_by)
      values (${uuid}, 'A', 'local', ${count}, 'host', 'somebody')`);
  }
  for (const [run, segment, uuid] of [
    [22_027, 1, ours],
    [22_026, 3, ours],
    [22_026, 0, ours],
    [22_026, 12, ours],
    [22_026, 5, other],
  ] as const) {
    await status.execute(sql`
      insert into ${table('production_status')}
        (dsttype, dstname, dstfile, run, segment, inputs, prod_id, status, submission_id)
      values ('A', 'A', ${`A-${run}-${segment}`}, ${run}, ${segment}, '', ${setup}, 'submitted', ${uuid})`);
  }
  expect(await findSubmittedSegments(status, [ours])).toEqual([
    { run: 22_026, segments: [0, 3, 12] },
    { run: 22_027, segments: [1] },
  ]);
  expect(await findSubmittedSegments(status, [])).toEqual([]);
});
