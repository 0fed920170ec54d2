import { afterAll, beforeAll, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { countWork } from '#db/status/count-work.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { findLostProducts } from '#reports/find-lost-products.ts';

import { eventOf, makeAttempts, stageoutOf } from '../../ingest/attempts.ts';
import { silentLog } from '../../util/silent-log.ts';
import { testDatabases } from '../test-database.ts';

import type { Database } from '#db/connect.ts';

import type { TestDatabase } from '../test-database.ts';

let databases: TestDatabase;
let status: Database;
let catalog: Database;

beforeAll(async () => {
  databases = await testDatabases();
  status = openDatabase(databases.roles.status, { applicationName: 'test' });
  catalog = openDatabase(databases.roles.catalog, { applicationName: 'test' });
});
afterAll(async () => {
  await status.close();
  await catalog.close();
  await databases.close();
});

it('counts live attempts by state, and those that finished without their product', async () => {
  const { ids, dstfiles } = await makeAttempts(status, 3);
  const [nothing = 0, complete = 0, other = 0] = ids;
  await ingestEvents({ status, catalog, log: silentLog }, [
    eventOf(nothing, 0, { kind: 'finished', exitCode: 0 }),
    eventOf(complete, 0, stageoutOf(`${dstfiles[1] ?? ''}.root`)),
    eventOf(complete, 1, { kind: 'finished', exitCode: 0 }),
    eventOf(other, 0, stageoutOf('HIST_OTHER.root')),
    eventOf(other, 1, { kind: 'finished', exitCode: 0 }),
  ]);
  await status.execute(
    sql`update ${sql.table(status.role, 'production_status')} set rule = 'DST_EVENT' where id = any(${ids}::int[])`,
  );
  expect(await countWork(status)).toMatchObject({
    ...{ attempts: { finished: 3 }, finishedWithoutProduct: 2 },
    withoutProduct: [{ rule: 'DST_EVENT', count: 2, dstfile: dstfiles[2], run: expect.any(Number), segment: 0 }],
  });
});

it('finds finished products that are missing in the catalog, under either name of one product', async () => {
  const { ids, dstfiles } = await makeAttempts(status, 3);
  const events = ids.flatMap((id, index) => [
    eventOf(id, 0, stageoutOf(`${dstfiles[index] ?? ''}.root`)),
    eventOf(id, 1, { kind: 'finished', exitCode: 0 }),
  ]);
  await ingestEvents({ status, catalog, log: silentLog }, events);
  const before = await findLostProducts(status, catalog);
  expect(before).toMatchObject({ count: 0 });
  const datasets = sql.table(catalog.role, 'datasets');
  await catalog.execute(sql`delete from ${datasets} where filename = ${`${dstfiles[1] ?? ''}.root`}`);
  await catalog.execute(sql`
    update ${datasets} set filename = regexp_replace(filename, '(-[0-9]+-[0-9]+)', '_v000\\1')
    where filename = ${`${dstfiles[2] ?? ''}.root`}`);
  expect(await findLostProducts(status, catalog)).toMatchObject({
    ...{ count: 1, looked: before.looked },
    example: { dstfile: dstfiles[1] },
  });
});
