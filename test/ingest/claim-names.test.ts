import { afterAll, beforeAll, expect, test } from 'vitest';

import { putFiles } from '#db/catalog/put-files.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { countRefused } from '#db/status/refused/count-refused.ts';
import { findRefused } from '#db/status/refused/find-refused.ts';
import { claimNames } from '#ingest/claim-names.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { silentLog } from '#test/util/silent-log.ts';

import { testDatabase } from '../db/test-database.ts';
import { eventOf, makeAttempts, readAttempt, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { CatalogFile } from '#model/job/job-event.ts';

import type { TestDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let status: Database;
let catalog: Database;

beforeAll(async () => {
  database = await testDatabase();
  status = openDatabase(database.roles.status, { applicationName: 'test', max: 8 });
  catalog = openDatabase(database.roles.catalog, { applicationName: 'test', max: 8 });
});
afterAll(async () => {
  await Promise.all([status.close(), catalog.close()]);
  await database.close();
});

interface Job {
  readonly cupsid: number;
  readonly dstfile: string;
}

async function makeJobs(count: number): Promise<readonly Job[]> {
  const { ids } = await makeAttempts(status, count);
  return status.query<Job>(sql`
    select id as cupsid, dstfile from ${sql.table(status.role, 'production_status')} where id = any (${ids}) order by id`);
}
const makeJob = async (): Promise<Job> => (await makeJobs(1))[0] ?? { cupsid: 0, dstfile: '' };

let names = 0;
const freshName = (): string => {
  names += 1;
  return `F${names}.root`;
};
const claim = async (job: Job, lfn: string, isTaken = false): Promise<string | undefined> =>
  (await claimNames({ status, catalog }, [{ ...job, lfn, isTaken }]))[0];
const stageOut = (job: Job, lfn: string, path = `/lustre/${lfn}`): ReturnType<typeof ingestEvents> => {
  const staged = stageoutOf(lfn);
  const file = staged.kind === 'stageout' ? { ...staged.file, path } : undefined;
  return ingestEvents({ status, catalog, log: silentLog }, [
    eventOf(job.cupsid, 10, file === undefined ? staged : { kind: 'stageout', file, nevents: 7 }),
  ]);
};
const finish = (job: Job): ReturnType<typeof ingestEvents> =>
  ingestEvents({ status, catalog, log: silentLog }, [eventOf(job.cupsid, 20, { kind: 'finished', exitCode: 0 })]);
const retire = (job: Job): Promise<unknown> =>
  status.query(sql`
    update ${sql.table(status.role, 'production_status')}
    set retired_at = now(), retired_by = 'tester', retired_reason = 'replaced' where id = ${job.cupsid}`);
/** A later attempt of the same product; the earlier one is retired. */
async function repeat(job: Job): Promise<Job> {
  await retire(job);
  const other = await makeJob();
  await status.query(sql`
    update ${sql.table(status.role, 'production_status')} set dstfile = ${job.dstfile} where id = ${other.cupsid}`);
  return { ...other, dstfile: job.dstfile };
}
const pathsOf = async (lfn: string): Promise<readonly string[]> =>
  (
    await catalog.query<{ path: string }>(sql`
      select full_file_path as path from ${sql.table(catalog.role, 'files')} where lfn = ${lfn} order by 1`)
  ).map(({ path }) => path);
const refusalOf = async (job: Job): Promise<Row | undefined> =>
  (
    await status.query(sql`
      select status, refusal from ${sql.table(status.role, 'production_status')} where id = ${job.cupsid}`)
  )[0];
const belongsTo = (lfn: string, { dstfile, cupsid }: Job): string =>
  `the name '${lfn}' belongs to the product '${dstfile}' (cupsid ${cupsid})`;

test('of three products that stage out one name the first gets it, and the rows of the others report that (C-W28)', async () => {
  const lfn = freshName();
  const jobs = await makeJobs(3);
  const [first, second, third] = jobs;
  if (first === undefined || second === undefined || third === undefined) throw new Error('Three jobs were made');
  expect((await stageOut(first, lfn, '/a/x')).registered).toMatchObject([{ isRegistered: true }]);
  for (const [job, path] of [
    [second, '/a/x'],
    [third, '/other/x'],
  ] as const) {
    const reason = belongsTo(lfn, first);
    expect((await stageOut(job, lfn, path)).registered).toMatchObject([
      { isRegistered: false, isRefused: true, reason },
    ]);
    await finish(job);
    expect(await readAttempt(status, job.cupsid)).toMatchObject({
      status: 'finished',
      nevents: 0,
      nsegments: 0,
      flags: 4,
      message: `Stage-out of '${lfn}' was refused: ${reason}; '${path}' is left as it is and not registered for this product`,
    });
  }
  expect(await pathsOf(lfn)).toEqual(['/a/x']);
  expect(await readAttempt(status, first.cupsid)).toMatchObject({ nevents: 7, nsegments: 1 });
});

test('a refused name stays in the row whatever the job reports later, until the file is staged out (C-W28)', async () => {
  const lfn = freshName();
  const [owner, job] = await makeJobs(2);
  if (owner === undefined || job === undefined) throw new Error('Two jobs were made');
  await stageOut(owner, lfn);
  await stageOut(job, lfn);
  const resources = { status, catalog, log: silentLog };
  await ingestEvents(resources, [eventOf(job.cupsid, 15, stageoutOf(`${job.dstfile}.root`))]);
  await finish(job);
  const reason = belongsTo(lfn, owner);
  expect(await refusalOf(job)).toEqual({
    status: 'finished',
    refusal: expect.stringContaining(`stageout: ${reason}; `),
  });
  const all = await findRefused(status, [job.cupsid]);
  expect(all).toMatchObject([{ report: 'stageout', reason: expect.stringContaining(reason), isRemark: false }]);

  await retire(owner);
  await status.query(sql`delete from ${sql.table(status.role, 'file_owner')} where lfn = ${lfn}`);
  await catalog.query(sql`delete from ${sql.table(catalog.role, 'datasets')} where filename = ${lfn}`);
  await catalog.query(sql`delete from ${sql.table(catalog.role, 'files')} where lfn = ${lfn}`);
  await ingestEvents(resources, [eventOf(job.cupsid, 30, stageoutOf(lfn))]);
  expect(await refusalOf(job)).toMatchObject({ refusal: null });
});

test('a remark that comes with its stage-out stays, and the next stage-out of the file resolves it (C-W25)', async () => {
  const job = await makeJob();
  const lfn = `${job.dstfile}.root`;
  const resources = { status, catalog, log: silentLog };
  const before = await countRefused(status);
  await ingestEvents(resources, [
    eventOf(job.cupsid, 10, stageoutOf(lfn)),
    eventOf(job.cupsid, 11, { kind: 'refused', report: 'stageout', reason: '--run is 7', lfn, isRemark: true }),
  ]);
  await finish(job);
  expect(await refusalOf(job)).toEqual({ status: 'finished', refusal: 'stageout: --run is 7' });
  expect(await countRefused(status)).toEqual({ ...before, remarked: before.remarked + 1 });
  await ingestEvents(resources, [eventOf(job.cupsid, 30, stageoutOf(lfn))]);
  expect(await refusalOf(job)).toMatchObject({ refusal: null });
  expect(await countRefused(status)).toEqual(before);
});

test('a later attempt of the same product, and another start of the attempt, replace its file', async () => {
  const lfn = freshName();
  const job = await makeJob();
  await stageOut(job, lfn, '/a/x');
  expect(await claim(job, lfn, true)).toBeUndefined();
  const later = await repeat(job);
  expect(await claim(later, lfn, true)).toBeUndefined();
  expect((await stageOut(later, lfn, '/a/x')).registered).toMatchObject([{ isRegistered: true }]);
  const other = await makeJob();
  expect(await claim(other, lfn)).toBe(belongsTo(lfn, later));
});

test('a product without a version and the same one with v000 are one', async () => {
  const job = await makeJob();
  const lfn = freshName();
  await stageOut(job, lfn);
  expect(await claim({ ...job, dstfile: job.dstfile.replace('-', '_v000-') }, lfn, true)).toBeUndefined();
  expect(await claim({ ...job, dstfile: job.dstfile.replace('-', '_v001-') }, lfn, true)).toBe(belongsTo(lfn, job));
});

test('what no attempt staged out is replaced only by the product whose name it bears (C-W28)', async () => {
  const job = await makeJob();
  const other = await makeJob();
  const own = `${job.dstfile}.root`;
  const adopted: CatalogFile = {
    ...{ lfn: own, path: `/old/${own}`, host: 'lustre', sizeBytes: 1, md5: 'ab', run: 1, segment: 0 },
    ...{ dataset: 'new_2023p003', dsttype: 'DST_EVENT_auau23', events: 1 },
  };
  await putFiles(catalog, [adopted, { ...adopted, lfn: 'HIST.root' }]);
  const reason = (lfn: string): string =>
    `a file '${lfn}' exists that no attempt staged out: only the product of that name may replace it`;
  expect(await claim(other, own)).toBe(reason(own));
  expect(await claim(other, 'HIST.root')).toBe(reason('HIST.root'));
  // On disk alone it counts as well.
  expect(await claim(other, 'on-disk.root', true)).toBe(reason('on-disk.root'));
  expect(await claim(job, own, true)).toBeUndefined();
  // So do histograms and logs of the product, which have a word more.
  const histogram = `hist_${job.dstfile}.root`;
  expect(await claim(other, histogram, true)).toBe(reason(histogram));
  expect(await claim(job, histogram, true)).toBeUndefined();
});

test('a name is free again when its attempt has ended and the catalog does not have it', async () => {
  const lfn = freshName();
  const [job, other] = [await makeJob(), await makeJob()];
  expect(await claim(job, lfn)).toBeUndefined();
  expect(await claim(other, lfn)).toBe(belongsTo(lfn, job));
  await finish(job);
  expect(await claim(other, lfn)).toBeUndefined();
});

test('a name stays with a file that waits for the catalog', async () => {
  const lfn = freshName();
  const [job, other] = [await makeJob(), await makeJob()];
  await stageOut(job, lfn);
  await finish(job);
  await catalog.query(sql`delete from ${sql.table(catalog.role, 'files')} where lfn = ${lfn}`);
  await catalog.query(sql`delete from ${sql.table(catalog.role, 'datasets')} where filename = ${lfn}`);
  const setApplied = (at: string | null): Promise<unknown> =>
    status.query(sql`
      update ${sql.table(status.role, 'production_event')} set applied_at = ${at}::timestamp
      where cupsid = ${job.cupsid} and kind = 'stageout'`);
  await setApplied(null);
  expect(await claim(other, lfn)).toBe(belongsTo(lfn, job));
  await setApplied('2025-04-10');
  expect(await claim(other, lfn)).toBeUndefined();
});

test('of many products that claim one name at the same moment one gets it', async () => {
  const lfn = freshName();
  const jobs = await makeJobs(8);
  const reasons = await Promise.all(jobs.map((job) => claim(job, lfn)));
  const [winner, ...further] = jobs.filter((_, index) => reasons[index] === undefined);
  expect(further).toEqual([]);
  expect(winner).toBeDefined();
  expect(new Set(reasons)).toEqual(new Set([undefined, belongsTo(lfn, winner ?? { cupsid: 0, dstfile: '' })]));
});

test('of many stage-outs of one name at the same moment one is registered, and all others are refused', async () => {
  const lfn = freshName();
  const jobs = await makeJobs(8);
  const replies = await Promise.all(jobs.map((job) => stageOut(job, lfn, `/${job.cupsid}/x`)));
  const answers = replies.flatMap(({ registered }) => registered);
  expect(answers.filter(({ isRegistered }) => isRegistered)).toHaveLength(1);
  expect(answers.filter(({ isRefused }) => isRefused === true)).toHaveLength(7);
  expect(await pathsOf(lfn)).toEqual([`/${answers.find(({ isRegistered }) => isRegistered)?.cupsid ?? 0}/x`]);
});

test('two products with one name in one request are distinguished, and the earlier one gets it', async () => {
  const lfn = freshName();
  const [one, two] = [await makeJob(), await makeJob()];
  const requests = [one, two, one].map((job) => ({ ...job, lfn, isTaken: false }));
  expect(await claimNames({ status, catalog }, requests)).toEqual([undefined, belongsTo(lfn, one), undefined]);
});
