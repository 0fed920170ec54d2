import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { findPayloadsOf } from '#db/status/payload/find-payload-use.ts';
import { testDatabase } from '#test/db/test-database.ts';
import { makeAttempts } from '#test/ingest/attempts.ts';

import type { Database } from '#db/connect.ts';
import type { TestDatabase } from '#test/db/test-database.ts';

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

const product = 'DST_EVENT_auau23_new_2023p003-00053534-00012';

test('a snapshot is found by product, file, cupsid and submission of what ran from it', async () => {
  const { submission, ids } = await makeAttempts(status, 1);
  const cupsid = ids[0] ?? 0;
  await status.execute(
    sql`update ${sql.table(status.role, 'submission')} set payload = 'abc' where uuid = ${submission}`,
  );
  await status.execute(
    sql`update ${sql.table(status.role, 'production_status')} set dstfile = ${product} where id = ${cupsid}`,
  );
  for (const name of [product, `${product}.root`, String(cupsid), submission, submission.toUpperCase()]) {
    expect([name, await findPayloadsOf(status, name)]).toEqual([name, ['abc']]);
  }
  expect(await findPayloadsOf(status, 'DST_EVENT_auau23_new_2023p003-00053534')).toEqual([]);
});
