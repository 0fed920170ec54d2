import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { makeStageoutApplier } from '#ingest/stageout-applier.ts';

import { testDatabases } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';
import { eventOf, makeAttempts, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

import type { TestDatabase } from '../db/test-database.ts';

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

interface Made {
  readonly id: number;
  readonly dstfile: string;
  /** The stage-out of the product. */
  readonly product: JobEventDetail;
}

async function newAttempt(isProductRequired = true): Promise<Made> {
  const { ids, dstfiles } = await makeAttempts(status, 1, { isProductRequired });
  const dstfile = dstfiles[0] ?? '';
  return { id: ids[0] ?? 0, dstfile, product: stageoutOf(`${dstfile}.root`) };
}

const ingest = (...events: readonly JobEvent[]) => ingestEvents({ status, catalog, log: silentLog }, events);

async function readRow(id: number): Promise<Row> {
  const [row] = await status.query(sql`
    select status::text, has_product, message from ${sql.table(status.role, 'production_status')} where id = ${id}`);
  return row ?? {};
}

const started: JobEventDetail = { kind: 'started', node: 'n' };
const finished: JobEventDetail = { kind: 'finished', exitCode: 0 };
const exited: JobEventDetail = { kind: 'exited', exitCode: 0 };
const reasonOf = (dstfile: string, why = 'no file of that name was staged out'): string =>
  `Ended without its product '${dstfile}': ${why}`;

describe('a rule that requires its product', () => {
  it('is not finished with a job until the job is over or its product is there', async () => {
    const { id, product } = await newAttempt();
    await ingest(eventOf(id, 0, started), eventOf(id, 1, finished));
    expect(await readRow(id)).toMatchObject({ status: 'started', has_product: null });
    await ingest(eventOf(id, 2, product));
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
    await ingest(eventOf(id, 3, exited));
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
  });

  it('C-E15: fails a job that ended without its product, and says why', async () => {
    const { id, dstfile } = await newAttempt();
    await ingest(eventOf(id, 0, stageoutOf('HIST_OTHER.root')), eventOf(id, 1, finished), eventOf(id, 2, exited));
    expect(await readRow(id)).toEqual({ status: 'failed', has_product: false, message: reasonOf(dstfile) });
  });

  it('fails a job of which only the batch system reports the end', async () => {
    const { id, dstfile } = await newAttempt();
    await ingest(eventOf(id, 0, exited, { source: 'batch:0' }));
    expect(await readRow(id)).toMatchObject({ status: 'failed', message: reasonOf(dstfile) });
  });

  it('C-E15: is finished after all when the report of the product arrives late', async () => {
    const { id, product } = await newAttempt();
    await ingest(eventOf(id, 2, exited, { source: 'batch:0' }));
    expect(await readRow(id)).toMatchObject({ status: 'failed' });
    await ingest(eventOf(id, 0, product), eventOf(id, 1, finished));
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
  });

  it('leaves another failure as it is', async () => {
    const { id, product } = await newAttempt();
    await ingest(eventOf(id, 0, product), eventOf(id, 1, { kind: 'finished', exitCode: 3 }), eventOf(id, 2, exited));
    expect(await readRow(id)).toMatchObject({ status: 'failed', has_product: true });
  });

  it('does not mistake another file for the product', async () => {
    const { id, dstfile } = await newAttempt();
    await ingest(eventOf(id, 0, stageoutOf(`${dstfile}.txt`)), eventOf(id, 1, stageoutOf(`${dstfile}-1.root`)));
    await ingest(eventOf(id, 2, finished), eventOf(id, 3, exited));
    expect(await readRow(id)).toMatchObject({ status: 'failed', has_product: false });
  });

  it('counts the name with version 000 as the same product', async () => {
    const { id, dstfile } = await newAttempt();
    const twin = dstfile.replace('_2023p003-', '_2023p003_v000-');
    await ingest(eventOf(id, 0, stageoutOf(`${twin}.root`)), eventOf(id, 1, finished));
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
  });

  it('fails a job whose product the catalog refuses, until it is taken', async () => {
    const { id, dstfile } = await newAttempt();
    const table = sql.table(catalog.role, 'datasets');
    await catalog.execute(sql`alter table ${table} add constraint no_such check (events <> 4711)`);
    const refused = stageoutOf(`${dstfile}.root`, { events: 4711 });
    await ingest(eventOf(id, 0, refused), eventOf(id, 1, finished), eventOf(id, 2, exited));
    expect(await readRow(id)).toMatchObject({ status: 'failed', has_product: false });
    expect((await readRow(id))['message']).toMatch(/^Ended without its product '.*': the catalog refuses it: /u);

    await catalog.execute(sql`alter table ${table} drop constraint no_such`);
    const events = sql.table(status.role, 'production_event');
    await status.execute(sql`update ${events} set apply_note = null where cupsid = ${id} and kind = 'stageout'`);
    const applier = makeStageoutApplier({ status, catalog, log: silentLog });
    expect(await applier.applyPending()).toEqual({ applied: 1, isCatalogUp: true });
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
  });
});

it('a product that the catalog accepts before the job ends counts, although it was refused first', async () => {
  const { id, dstfile } = await newAttempt();
  const table = sql.table(catalog.role, 'datasets');
  await catalog.execute(sql`alter table ${table} add constraint no_such check (events <> 4712)`);
  await ingest(eventOf(id, 0, stageoutOf(`${dstfile}.root`, { events: 4712 })));
  await catalog.execute(sql`alter table ${table} drop constraint no_such`);
  const events = sql.table(status.role, 'production_event');
  await status.execute(sql`update ${events} set apply_note = null where cupsid = ${id} and kind = 'stageout'`);
  const applier = makeStageoutApplier({ status, catalog, log: silentLog });
  expect(await applier.applyPending()).toEqual({ applied: 1, isCatalogUp: true });
  await ingest(eventOf(id, 1, finished), eventOf(id, 2, exited));
  expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
});

describe('a rule that does not', () => {
  it('finishes a job without its product, and notes that in its row', async () => {
    const { id, product } = await newAttempt(false);
    await ingest(eventOf(id, 0, finished));
    expect(await readRow(id)).toEqual({ status: 'finished', has_product: false, message: null });
    await ingest(eventOf(id, 1, product));
    expect(await readRow(id)).toMatchObject({ status: 'finished', has_product: true });
  });
});
