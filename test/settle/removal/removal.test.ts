import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { putFiles } from '#db/catalog/put-files.ts';
import { sql } from '#db/connect.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { planRemoval } from '#settle/removal/plan-removal.ts';
import { removeProducts } from '#settle/removal/remove-products.ts';

import { emptyWorld, makeProposals, putWorld } from '../../db/decide/world.ts';
import { openPlanWorld } from '../../dispatch/plan-world.ts';
import { testDstfile, testDstname } from '../../dispatch/test-rule.ts';
import { putAttempts } from '../../reports/query/query-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { RemovalPlan, Removed } from '#model/report/removal.ts';
import type { RemovalRequest } from '#settle/removal/plan-removal.ts';

import type { PlanWorld } from '../../dispatch/plan-world.ts';

let world: PlanWorld;
let out: string;
let ids: readonly number[];

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
});
afterAll(() => world.close());

/** Registers a file, and writes it unless there is nothing to write. */
async function putProduct(name: string, content: string | undefined, run: number, segment: number): Promise<string> {
  const path = join(out, name);
  if (content !== undefined) await writeFile(path, content);
  const about = { lfn: name, path, host: 'lustre', md5: 'x', sizeBytes: (content ?? 'abc').length, run, segment };
  await putFiles(world.open.databases.catalog, [
    { ...about, dataset: 'ana437_2024p007_v001', dsttype: 'DST_TEST_run2pp', events: 1 },
  ]);
  return path;
}

/** Runs 1 and 2 were made, of run 1 two segments; beside them are names that are nearly the same. */
beforeEach(async () => {
  out = join(world.root, `out-${Math.random()}`);
  await mkdir(out);
  await putWorld(world.open, {
    ...emptyWorld,
    proposals: [1, 2].map((run) => ({ run, segment: 0, files: 'a.evt' })),
    files: [{ lfn: 'a.evt', path: '/raw/a.evt', time: 1 }],
  });
  ({ ids } = await putAttempts(world.open.databases.status, [
    { run: 1, status: 'finished' },
    { run: 1, segment: 1, status: 'failed' },
    { run: 2, status: 'finished' },
  ]));
  await putProduct(`${testDstfile(1)}.root`, 'abc', 1, 0);
  await putProduct(`${testDstfile(2)}.root`, 'abc', 2, 0);
  await putProduct(`${testDstname.replace('_v001', 'Xv001')}-00000001-00000.root`, 'abc', 1, 0);
  await putProduct(`${testDstfile(1)}.prdf`, 'abc', 1, 0);
  await putProduct(`HIST_${testDstfile(1)}.root`, 'abc', 1, 0);
});

const request: RemovalRequest = { dstname: testDstname, run: 1, extension: 'root' };

const plan = (more: Partial<RemovalRequest> = {}): Promise<RemovalPlan> => {
  const { databases } = world.open;
  const { backend } = world.inputOf();
  return planRemoval({ status: databases.status, catalog: databases.catalog, backend }, { ...request, ...more });
};

function remove({ products }: RemovalPlan): Promise<Removed> {
  const { status, catalog } = world.open.databases;
  const about = { by: 'tester', reason: 'bad geometry', log: silentLog, signal: new AbortController().signal };
  return removeProducts(products, { status, catalog, ...about });
}

async function readLive(): Promise<readonly unknown[]> {
  const { status } = world.open.databases;
  return status.query(sql`
    select id, run, segment from ${sql.table(status.role, 'production_status')}
    where retired_at is null order by run, segment`);
}

async function readCatalog(): Promise<readonly string[]> {
  const { catalog } = world.open.databases;
  const rows = await catalog.query<{ name: string }>(sql`
    select 'f ' || lfn as name from ${sql.table(catalog.role, 'files')} where lfn <> 'a.evt'
    union all select 'd ' || filename from ${sql.table(catalog.role, 'datasets')} order by name`);
  return rows.map(({ name }) => name);
}

async function findReady(): Promise<readonly string[]> {
  const decided = await planRule(world.inputOf({ runs: { kind: 'range', first: 1, last: 2 } }));
  try {
    const ready: string[] = [];
    for await (const batch of decided.readReady()) ready.push(...batch.map(({ dstfile }) => dstfile));
    return ready;
  } finally {
    await decided.close();
  }
}

describe('a removal', () => {
  it('finds exactly the products of a dstname and run, never what only looks like it (C-Q8)', async () => {
    const file = { lfn: `${testDstfile(1)}.root`, host: 'lustre', path: join(out, `${testDstfile(1)}.root`) };
    expect(await plan()).toEqual({
      ...{ dstname: testDstname, run: 1, refusals: [] },
      products: [
        {
          ...{ dstfile: testDstfile(1), attempt: { cupsid: ids[0], state: 'finished' } },
          files: [{ ...file, sizeBytes: 3, isThere: true }],
          datasets: [{ filename: file.lfn, dataset: 'ana437_2024p007_v001' }],
        },
        { dstfile: testDstfile(1, 1), attempt: { cupsid: ids[1], state: 'failed' }, files: [], datasets: [] },
      ],
    });
    expect((await plan({ segment: 1 })).products.map(({ dstfile }) => dstfile)).toEqual([testDstfile(1, 1)]);
    expect((await plan({ extension: 'prdf', segment: 0 })).products).toMatchObject([
      { dstfile: testDstfile(1), files: [{ lfn: `${testDstfile(1)}.prdf` }] },
    ]);
    expect((await plan({ dstname: testDstname.replace('TEST', '____') })).products).toEqual([]);
    expect((await plan({ run: 3 })).products).toEqual([]);
  });

  it('removes files and rows, retires attempts with who and why, and then kaedama makes the product again', async () => {
    expect(await findReady()).toEqual([]);
    expect(await remove(await plan())).toEqual({
      ...{ products: 2, files: 1, bytes: 3, filesRows: 1, datasetsRows: 1, attempts: 2, failures: [] },
    });
    const others = [`${testDstname.replace('_v001', 'Xv001')}-00000001-00000.root`, `${testDstfile(1)}.prdf`];
    const left = [...others, `${testDstfile(2)}.root`, `HIST_${testDstfile(1)}.root`].toSorted();
    expect((await readdir(out)).toSorted()).toEqual(left);
    expect((await readCatalog()).toSorted()).toEqual([...left.map((n) => `d ${n}`), ...left.map((n) => `f ${n}`)]);
    expect(await readLive()).toEqual([{ id: ids[2], run: 2, segment: 0 }]);
    const { status } = world.open.databases;
    expect(
      await status.query(sql`
        select retired_by, retired_reason from ${sql.table(status.role, 'production_status')} where id = ${ids[0] ?? 0}`),
    ).toEqual([{ retired_by: 'tester', retired_reason: 'bad geometry' }]);
    await remove(await plan({ extension: 'prdf' }));
    expect(await findReady()).toEqual([testDstfile(1)]);
    expect((await plan()).products).toEqual([]);
  });

  it.each([
    ['after the attempts were retired', 'retired'],
    ['after the files were removed', 'unlinked'],
  ])('is finished by a second call if it was killed %s', async (_, stage) => {
    const { status } = world.open.databases;
    await status.execute(sql`
      update ${sql.table(status.role, 'production_status')} set retired_at = now(), retired_by = 'x' where run = 1`);
    const { unlink } = await import('node:fs/promises');
    if (stage === 'unlinked') await unlink(join(out, `${testDstfile(1)}.root`));
    // A job must not make it as long as something of it is there.
    expect(await findReady()).toEqual([]);
    const again = await plan();
    expect(again).toMatchObject({ refusals: [], products: [{ files: [{ isThere: stage !== 'unlinked' }] }] });
    expect(await remove(again)).toMatchObject({ products: 1, filesRows: 1, datasetsRows: 1, failures: [] });
    expect((await plan()).products).toEqual([]);
  });

  it('refuses a file of another size, a link, a directory, and a path that is not its own', async () => {
    const names = [2, 3, 4, 5, 6].map((segment) => `${testDstfile(1, segment)}.root`);
    const [longer = '', link = '', directory = '', elsewhere = '', relative = ''] = names;
    await putProduct(longer, 'abc', 1, 2);
    await writeFile(join(out, longer), 'abcdef');
    await putProduct(link, undefined, 1, 3);
    await symlink(join(out, `${testDstfile(2)}.root`), join(out, link));
    await putProduct(directory, undefined, 1, 4);
    await mkdir(join(out, directory));
    await putProduct(elsewhere, undefined, 1, 5);
    await putProduct(relative, undefined, 1, 6);
    const { catalog } = world.open.databases;
    const setPath = (lfn: string, path: string): Promise<number> =>
      catalog.execute(sql`update ${sql.table(catalog.role, 'files')} set full_file_path = ${path} where lfn = ${lfn}`);
    await setPath(elsewhere, join(out, `${testDstfile(2)}.root`));
    await setPath(relative, `${out}/../${relative}`);
    expect((await plan()).refusals).toEqual([
      `'${join(out, longer)}' has 6 bytes, but 3 in the catalog: it may be another file`,
      `'${join(out, link)}' is not a regular file`,
      `'${join(out, directory)}' is not a regular file`,
      `The catalog says that '${elsewhere}' is at '${join(out, `${testDstfile(2)}.root`)}': expected an absolute path that ends in the name`,
      `The catalog says that '${relative}' is at '${out}/../${relative}': expected an absolute path that ends in the name`,
    ]);
  });

  it('names an attempt whose end is not recorded', async () => {
    await putAttempts(world.open.databases.status, [
      { run: 1, segment: 7, status: 'running', cluster: 12, process: 3 },
    ]);
    expect((await plan()).refusals).toEqual([
      `Job 12.3 of '${testDstfile(1, 7)}' (cupsid ${Number(ids[2]) + 1}) is running, and no end of it is recorded: 'slurp reconcile' records it`,
    ]);
  });

  it('leaves a product as it is whose attempt changed after it was shown, and removes the others', async () => {
    const shown = await plan();
    const { status } = world.open.databases;
    await status.execute(sql`
      update ${sql.table(status.role, 'production_status')} set retired_at = now() where id = ${ids[0] ?? 0}`);
    expect(await remove(shown)).toMatchObject({
      ...{ products: 1, attempts: 1, files: 0 },
      failures: [`The attempt of '${testDstfile(1)}' (cupsid ${ids[0]}) has changed meanwhile; nothing was removed`],
    });
    expect(await readdir(out)).toContain(`${testDstfile(1)}.root`);
  });

  it('keeps the rows of a file that it could not remove', async () => {
    const shown = await plan();
    await writeFile(join(out, `${testDstfile(1)}.root`), 'changed');
    expect(await remove(shown)).toMatchObject({ products: 1, failures: [expect.stringContaining('7 bytes, but 3')] });
    expect(await readCatalog()).toContain(`f ${testDstfile(1)}.root`);
  });
});
