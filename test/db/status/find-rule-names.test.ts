import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findRuleNames } from '#db/status/find-rule-names.ts';

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

test('names each rule of which anything was submitted once', async () => {
  expect(await findRuleNames(status)).toEqual([]);
  for (const rule of ['DST_B', 'DST_A', 'DST_B']) {
    await status.execute(sql`
      insert into ${sql.table(status.role, 'submission')} (uuid, rule, backend, count, submission_host, submitted_by)
      values (${randomUUID()}, ${rule}, 'local', 1, 'here', 'me@here')`);
  }
  expect(await findRuleNames(status)).toEqual(['DST_A', 'DST_B']);
});
