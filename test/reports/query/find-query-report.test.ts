import { afterAll, beforeAll, expect, it } from 'vitest';

import { makeLocalBackend } from '#batch/local/make-local-backend.ts';
import { findQueryReport } from '#reports/query/find-query-report.ts';

import { openTestStatus } from '../../db/test-database.ts';
import { putAttempts } from './query-world.ts';

import type { QueryReport, QueryReportName, QuerySelection } from '#model/report/query-report.ts';

import type { TestStatus } from '../../db/test-database.ts';

let world: TestStatus;
let prodId: number;

const calo = 'DST_CALO_run2pp';
const calorimeter = `${calo}_ana437_2024p007_v001`;
const day = '2026-12-02';

beforeAll(async () => {
  world = await openTestStatus();
  const waiting = { submitting: `${day} 08:00:00`, submitted: `${day} 08:00:10` };
  ({ prodId } = await putAttempts(world.status, [
    { run: 100, status: 'submitting', submitting: `${day} 08:00:00` },
    { run: 101, status: 'submitted', cluster: 7, process: 1, ...waiting },
    { run: 102, status: 'submitted', cluster: 7, process: 2, ...waiting, submitted: `${day} 08:00:30` },
    { run: 103, status: 'started', cluster: 7, process: 3, ...waiting, started: `${day} 08:01:10` },
    { run: 104, status: 'running', cluster: 7, process: 4, ...waiting, started: `${day} 08:02:10`, nevents: 5 },
    {
      ...{ run: 105, status: 'finished', cluster: 7, process: 5, ...waiting, nevents: 100, exit_code: 0 },
      ...{ started: `${day} 08:03:10`, running: `${day} 08:03:11`, ended: `${day} 08:13:10` },
    },
    {
      ...{ run: 106, status: 'failed', cluster: 7, process: 6, ...waiting, exit_code: 3 },
      ...{ started: `${day} 08:04:10`, ended: `${day} 08:24:10` },
    },
    { run: 107, status: 'failed', ...waiting, retired_at: `${day} 09:00:00` },
    // Another dsttype; of its two clusters one has ended, and one is from before November.
    { dsttype: calo, run: 100_000_001, segment: 12_345, status: 'failed', cluster: 8, ...waiting },
    { dsttype: calo, run: 200, segment: 1, status: 'failed', cluster: 8, ...waiting },
    { dsttype: calo, run: 201, status: 'held', cluster: 5, process: 9, submitted: '2026-10-31 00:00:00' },
  ]));
});
afterAll(() => world.close());

function find(
  name: QueryReportName,
  selection: Partial<QuerySelection> = {},
  limit = 0,
  statementTimeoutMs = 60_000,
): Promise<QueryReport> {
  const input = { status: world.status, backend: makeLocalBackend('/nowhere'), statementTimeoutMs, limit };
  return findQueryReport(name, { ...input, selection: { names: [], ...selection } });
}

it('pending counts what is not beyond started, with the time that its submission took', async () => {
  const row = { dsttype: 'DST_TEST_run2pp', prodId, numJobs: 4 };
  expect(await find('pending')).toEqual({
    ...{ report: 'pending', leftOut: 0 },
    rows: [{ ...row, avgTimeToSubmit: 50 / 3, minTimeToSubmit: 10, maxTimeToSubmit: 30 }],
  });
});

it('started counts by dsttype, descending, and each state of a dsttype of which a job was started (C-Q4)', async () => {
  expect((await find('started')).rows).toEqual([
    {
      ...{ dsttype: 'DST_TEST_run2pp', numJobs: 4, avgTimeToStart: (60 + 120 + 180 + 240) / 4 },
      ...{ numSubmitted: 3, numRunning: 2, numFinished: 1, numFailed: 1, avgJobDuration: 900, sumEvents: 105 },
      ...{ lastJobStarted: new Date(`${day}T08:04:10Z`), lastJobFinished: new Date(`${day}T08:24:10Z`) },
    },
    {
      ...{ dsttype: calo, numJobs: 3, avgTimeToStart: null, numSubmitted: 0, numRunning: 0, numFinished: 0 },
      ...{ numFailed: 2, avgJobDuration: null, sumEvents: 0, lastJobStarted: null, lastJobFinished: null },
    },
  ]);
});

it('clusters shows those with a job that was started and has not ended (C-Q4)', async () => {
  expect((await find('clusters')).rows).toEqual([
    {
      ...{ dsttype: 'DST_TEST_run2pp', cluster: 7, minRun: 101, maxRun: 106, numJobs: 2, avgTimeToStart: 150 },
      ...{ numSubmitted: 2, numRunning: 2, numFinished: 1, numFailed: 1, avgJobDuration: 900, sumEvents: 105 },
      ...{ earliestStart: new Date(`${day}T08:01:10Z`), lastStart: new Date(`${day}T08:04:10Z`) },
    },
    {
      ...{ dsttype: calo, cluster: 5, minRun: 201, maxRun: 201, numJobs: 1, avgTimeToStart: null },
      ...{ numSubmitted: 0, numRunning: 0, numFinished: 0, numFailed: 0, avgJobDuration: null, sumEvents: 0 },
      ...{ earliestStart: null, lastStart: null },
    },
  ]);
});

it('runs lists what was started and has not finished', async () => {
  expect((await find('runs')).rows).toEqual([
    { dsttype: 'DST_TEST_run2pp', run: 103, segment: 0, status: 'started', cluster: 7, process: 3 },
    { dsttype: 'DST_TEST_run2pp', run: 104, segment: 0, status: 'running', cluster: 7, process: 4 },
    { dsttype: 'DST_TEST_run2pp', run: 106, segment: 0, status: 'failed', cluster: 7, process: 6 },
    { dsttype: calo, run: 200, segment: 1, status: 'failed', cluster: 8, process: 0 },
    { dsttype: calo, run: 201, segment: 0, status: 'held', cluster: 5, process: 9 },
    { dsttype: calo, run: 100_000_001, segment: 12_345, status: 'failed', cluster: 8, process: 0 },
  ]);
});

it('failed lists runs and segments of each dstname, without retired attempts', async () => {
  expect((await find('failed')).rows).toEqual([
    { dstname: 'DST_TEST_run2pp_ana437_2024p007_v001', prodId, runSegments: ['00000106-0000'], numFailed: 1 },
    { dstname: calorimeter, prodId, runSegments: ['00000200-0001', '100000001-12345'], numFailed: 2 },
  ]);
  expect((await find('failed', {}, 1)).rows).toMatchObject([{ numFailed: 1 }]);
  expect((await find('failed', { names: [calorimeter] }, 1)).rows).toEqual([
    { dstname: calorimeter, prodId, runSegments: ['00000200-0001'], numFailed: 2 },
  ]);
});

it('everything lists attempts by id, and the newest where there are too many', async () => {
  const all = await find('everything');
  expect(all.rows).toHaveLength(10);
  expect(all.rows[5]).toEqual({
    ...{ dsttype: 'DST_TEST_run2pp', run: 105, segment: 0, cluster: 7, process: 5, status: 'finished', nevents: 100 },
    ...{ started: new Date(`${day}T08:03:10Z`), running: new Date(`${day}T08:03:11Z`) },
    ...{ ended: new Date(`${day}T08:13:10Z`), exitCode: 0 },
  });
  expect(await find('everything', {}, 2)).toEqual({
    ...{ report: 'everything', leftOut: 8, rows: all.rows.slice(8) },
  });
});

it.each([
  [{ runs: { kind: 'one', run: 104 } }, [104]],
  [{ runs: { kind: 'range', first: 104, last: 201 } }, [104, 105, 106, 200, 201]],
  [{ runs: { kind: 'list', runs: [201, 103, 999] } }, [103, 201]],
  [{ names: [calo] }, [100_000_001, 200, 201]],
  [{ names: [calorimeter] }, [100_000_001, 200, 201]],
  [{ names: ['DST_CALO_run2p_'] }, []],
  [{ names: ["x' or true --"] }, []],
  [{ since: new Date(`${day}T08:00:00Z`), names: [calo] }, [100_000_001, 200]],
  [{ since: new Date(`${day}T08:00:10Z`) }, [102]],
] satisfies readonly (readonly [Partial<QuerySelection>, readonly number[]])[])(
  'shows what %j selects',
  async (selection, runs) => {
    const { rows } = await find('everything', selection);
    expect(rows.map((row) => ('run' in row ? row.run : undefined))).toEqual(runs);
  },
);

it('says how many rows a limit leaves out', async () => {
  expect(await find('runs', {}, 2)).toMatchObject({ leftOut: 4, rows: [{ run: 103 }, { run: 104 }] });
  expect(await find('runs', {}, 6)).toMatchObject({ leftOut: 0 });
});

it('runs no longer than the site allows', async () => {
  await world.status.session(async (session) => {
    const lock = session.script('begin; lock table status.production_status in access exclusive mode');
    await lock;
    await expect(find('started', {}, 0, 50)).rejects.toMatchObject({ code: 'database-timeout' });
    await session.script('rollback');
  });
});
