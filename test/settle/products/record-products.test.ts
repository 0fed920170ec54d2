import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { putProductDirectories } from '#db/status/product/put-product-directories.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { renderLeftProducts } from '#reports/settled/render-left-products.ts';
import { findLeftProducts } from '#settle/products/find-left-products.ts';
import { recordProducts } from '#settle/products/record-products.ts';

import { testDatabases } from '../../db/test-database.ts';
import { eventOf, makeAttempts, stageoutOf } from '../../ingest/attempts.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { Database } from '#db/connect.ts';

import type { TestDatabase } from '../../db/test-database.ts';

let databases: TestDatabase;
let status: Database;
let catalog: Database;
let root: string;

beforeAll(async () => {
  databases = await testDatabases();
  status = openDatabase(databases.roles.status, { applicationName: 'test' });
  catalog = openDatabase(databases.roles.catalog, { applicationName: 'test' });
  root = await mkdtemp(join(tmpdir(), 'slurp-products-'));
});
afterAll(async () => {
  await status.close();
  await catalog.close();
  await databases.close();
  await rm(root, { recursive: true });
});

it('finds products that no job reported, and registers those of finished attempts (C-E17)', async () => {
  const made = await makeAttempts(status, 5);
  const [left = 0, failed = 0, reported = 0, nothing = 0, open = 0] = made.ids;
  const out = join(root, 'out');
  const gone = join(root, 'gone');
  await mkdir(join(out, `${made.dstfiles[3] ?? ''}.root`), { recursive: true });
  for (const index of [0, 1, 2, 4]) await writeFile(join(out, `${made.dstfiles[index] ?? ''}.root`), 'events');
  await putProductDirectories(status, made.submission, [out, gone]);
  const ingest = { status, catalog, log: silentLog };
  await ingestEvents(ingest, [
    eventOf(left, 0, { kind: 'finished', exitCode: 0 }),
    eventOf(failed, 0, { kind: 'finished', exitCode: 3 }),
    eventOf(reported, 0, stageoutOf(`${made.dstfiles[2] ?? ''}.root`)),
    eventOf(reported, 1, { kind: 'finished', exitCode: 0 }),
    eventOf(nothing, 0, { kind: 'finished', exitCode: 0 }),
    eventOf(open, 0, { kind: 'started', node: 'n' }),
  ]);

  const products = await findLeftProducts(status, undefined);
  expect(products.found.map(({ cupsid, state }) => [cupsid, state])).toEqual([
    [failed, 'failed'],
    [left, 'finished'],
  ]);
  expect(products.unreadable).toEqual([gone]);
  expect(await findLeftProducts(status, 'DST_OTHER')).toEqual({ found: [], unreadable: [] });

  const registered = await recordProducts(ingest, products.found, AbortSignal.timeout(30_000));
  const path = join(out, `${made.dstfiles[0] ?? ''}.root`);
  expect(renderLeftProducts({ found: registered, unreadable: [] })).toBe(
    [
      '',
      '2 products on disk that no job reported:',
      `  ${join(out, `${made.dstfiles[1] ?? ''}.root`)}`,
      `    cupsid ${failed}, failed, not registered: its job failed, so it may be incomplete`,
      `  ${path}`,
      `    cupsid ${left}, finished, registered`,
      '',
    ].join('\n'),
  );
  const rows = await catalog.query(sql`
    select d.dsttype, d.dataset, d.events, f.size, f.full_file_path as path
    from ${sql.table(catalog.role, 'datasets')} d join ${sql.table(catalog.role, 'files')} f on f.lfn = d.filename
    where d.filename = ${`${made.dstfiles[0] ?? ''}.root`}`);
  expect(rows).toMatchObject([{ dsttype: 'DST_EVENT_auau23', dataset: 'new_2023p003', events: -1, path }]);
  expect((await findLeftProducts(status, undefined)).found).toMatchObject([{ cupsid: failed }]);
});

it('registers the product of an attempt that failed only for want of it, which is finished then (C-E17)', async () => {
  const made = await makeAttempts(status, 2, { isProductRequired: true });
  const [lacking = 0, failed = 0] = made.ids;
  const out = join(root, 'required');
  await mkdir(out);
  for (const dstfile of made.dstfiles) await writeFile(join(out, `${dstfile}.root`), 'events');
  await putProductDirectories(status, made.submission, [out]);
  const ingest = { status, catalog, log: silentLog };
  await ingestEvents(ingest, [
    eventOf(lacking, 0, { kind: 'finished', exitCode: 0 }),
    eventOf(lacking, 1, { kind: 'exited', exitCode: 0 }),
    eventOf(failed, 0, { kind: 'exited', exitCode: 3 }),
  ]);
  const stateOf = async (id: number): Promise<unknown> => {
    const table = sql.table(status.role, 'production_status');
    return (await status.query(sql`select status::text, has_product from ${table} where id = ${id}`))[0];
  };
  expect(await stateOf(lacking)).toEqual({ status: 'failed', has_product: false });
  const ours = (await findLeftProducts(status, undefined)).found.filter(({ cupsid }) => made.ids.includes(cupsid));
  expect(ours).toMatchObject([
    { cupsid: failed, state: 'failed', isSuccess: false },
    { cupsid: lacking, state: 'failed', isSuccess: true },
  ]);
  expect(renderLeftProducts({ found: ours, unreadable: [] })).toContain(
    `cupsid ${lacking}, failed without its product\n`,
  );
  expect(await recordProducts(ingest, ours, AbortSignal.timeout(30_000))).toMatchObject([
    { cupsid: failed, isRegistered: false, reason: 'its job failed, so it may be incomplete' },
    { cupsid: lacking, isRegistered: true },
  ]);
  expect(await stateOf(lacking)).toEqual({ status: 'finished', has_product: true });
  expect(await stateOf(failed)).toEqual({ status: 'failed', has_product: false });
});
