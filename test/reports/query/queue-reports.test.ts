import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { findQueryReport } from '#reports/query/find-query-report.ts';
import { renderQueryReports } from '#reports/query/render-query-reports.ts';

import {
  clearAttempts,
  openDispatchWorld,
  openReady,
  prepareTestRule,
  readAttempts,
} from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';
import { putAttempts } from './query-world.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { QueryReport, QuerySelection } from '#model/report/query-report.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());
beforeEach(() => clearAttempts(world.status));

async function submit(runs: readonly number[]): Promise<string> {
  const session = await openReady(world.status, runs);
  try {
    const { submissions } = await applyPlan({
      ...{ session, ready: runs.length, gatewayUrl: 'http://127.0.0.1:1', log: silentLog },
      ...{ status: world.status, site: world.site, backend: world.backend, payload: world.payload },
      ...{ prepared: prepareTestRule(world.root), workerDirectory: world.workerDirectory },
    });
    return submissions[0]?.uuid ?? '';
  } finally {
    await session.close();
  }
}

function find(
  name: 'condor' | 'held',
  options: {
    readonly selection?: Partial<QuerySelection>;
    readonly limit?: number;
    readonly backend?: BatchBackend;
  } = {},
): Promise<QueryReport> {
  const { selection, limit = 0, backend = world.backend } = options;
  const about = { status: world.status, backend, statementTimeoutMs: 60_000, limit };
  return findQueryReport(name, { ...about, selection: { names: [], ...selection } });
}

async function holdRun(uuid: string, run: number, reason: string): Promise<void> {
  const attempt = (await readAttempts(world.status)).find((row) => row.run === run);
  await world.backend.hold({ uuid, cupsids: [attempt?.id ?? 0] }, reason);
}

async function setStatus(run: number, status: string): Promise<void> {
  const table = sql.table(world.status.role, 'production_status');
  await world.status.execute(sql`
    update ${table} set status = ${status}::${sql.table(world.status.role, 'prodstate')} where run = ${run}`);
}

it('condor shows for each open attempt what the batch system says of its job', async () => {
  const uuid = await submit([1, 2, 3, 4]);
  await holdRun(uuid, 2, 'disk full');
  await setStatus(3, 'finished');
  await putAttempts(world.status, [{ run: 9, status: 'running', cluster: 3, process: 1 }]);
  const [cluster] = (await readAttempts(world.status)).map((row) => row.cluster);
  const report = await find('condor');
  const row = { dsttype: 'DST_TEST_run2pp', segment: 0, cluster, prodId: expect.any(Number), at: expect.any(Date) };
  const calm = { condorStatus: 'Idle', holdCode: null, holdSubcode: null };
  expect(report).toEqual({
    ...{ report: 'condor', leftOut: 0 },
    rows: [
      { ...row, run: 1, status: 'submitted', process: 0, ...calm },
      { ...row, run: 2, status: 'submitted', process: 1, condorStatus: 'Held', holdCode: 1, holdSubcode: 0 },
      { ...row, run: 4, status: 'submitted', process: 3, ...calm },
      // Of an older system, whose jobs cannot be asked for.
      { ...row, ...calm, run: 9, status: 'running', cluster: 3, process: 1, condorStatus: null, at: null },
    ],
  });
  expect(await find('condor', { limit: 1 })).toMatchObject({ leftOut: 3, rows: [{ run: 2 }] });
});

it('condor shows an open attempt whose job is not in the queue before all that wait', async () => {
  await submit([1, 2]);
  const gone = await submit([3]);
  const { stateDirectory } = world.site;
  await rename(join(stateDirectory, 'jobs', gone), join(stateDirectory, `gone-${gone}`));
  expect(await find('condor', { limit: 1 })).toMatchObject({ leftOut: 2, rows: [{ run: 3, condorStatus: 'none' }] });
});

it('held shows each held job with its reason and changes nothing, also where its attempt has ended (C-Q6)', async () => {
  const uuid = await submit([1, 2, 3]);
  const reason = 'Disk quota exceeded: «/sphenix»; it\'s "full"';
  await holdRun(uuid, 2, reason);
  await holdRun(uuid, 3, 'Transfer output files failure');
  await setStatus(3, 'finished');
  const before = await world.status.query(sql`select * from ${sql.table(world.status.role, 'production_status')}`);
  const report = await find('held');
  expect(report).toMatchObject({
    ...{ report: 'held', leftOut: 0, stops: [] },
    rows: [
      {
        ...{ dsttype: 'DST_TEST_run2pp', run: 2, segment: 0, process: 1, since: expect.any(Date), holdCode: 1 },
        ...{ holdSubcode: 0, reason: expect.stringContaining(reason) },
      },
      { run: 3, reason: expect.stringContaining('Transfer output') },
    ],
  });
  expect(report).not.toHaveProperty('silence');
  expect(await find('held', { selection: { runs: { kind: 'one', run: 3 } } })).toMatchObject({ rows: [{ run: 3 }] });
  expect(await find('held', { limit: 1 })).toMatchObject({ rows: [{ run: 2 }], leftOut: 1 });
  expect(await world.status.query(sql`select * from ${sql.table(world.status.role, 'production_status')}`)).toEqual(
    before,
  );
});

it('says that the batch system did not answer, and does not call that empty (C-Q7)', async () => {
  const uuid = await submit([1]);
  const other = await submit([2]);
  const journal = join(world.site.stateDirectory, 'jobs', uuid, 'submission.json');
  await rename(journal, `${journal}.away`);
  await writeFile(journal, '{');
  const condor = await find('condor');
  expect(condor).toMatchObject({
    silence: expect.stringContaining(`submission '${uuid}' cannot be read`),
    rows: [
      { run: 1, condorStatus: null },
      { run: 2, condorStatus: 'Idle' },
    ],
  });
  expect(await find('held')).toMatchObject({ rows: [], silence: expect.stringContaining(uuid) });
  await world.backend.remove({ uuid: other }, 'test');
  const text = renderQueryReports(
    { at: new Date(), site: '/s', mode: 'production', reports: [condor] },
    { width: 80, isColoured: false },
  );
  expect(text.split('\n').slice(-3)).toEqual([
    '(2 rows)',
    `Incomplete: the batch system did not answer: The files of submission '${uuid.slice(0, 9)}…`,
    '',
  ]);
  await rename(`${journal}.away`, journal);
});
