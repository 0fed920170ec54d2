import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { isFenced, removeFenced } from '#settle/reconcile/remove-fenced.ts';

import { valueOf } from '../../batch/contract.ts';
import {
  clearAttempts,
  openDispatchWorld,
  openReady,
  prepareTestRule,
  readAttempts,
} from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { BatchBackend, BatchJobReport } from '#batch/backend.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());
beforeEach(() => clearAttempts(world.status));

const submission = 'a';
const job = (state: BatchJobReport['state'], starts: number): BatchJobReport => ({
  ...{ uuid: submission, cluster: 1, process: 0, cupsid: 7, state, starts },
});

test.each<[string, number, BatchJobReport | undefined, boolean]>([
  ['waits after the start that ended the attempt', 1, job('idle', 2), true],
  ['waits, and the attempt was ended from outside', -1, job('idle', 0), true],
  ['waits for the start of which the row knows the end already', 1, job('idle', 1), false],
  ['is in a later start', 1, job('running', 3), true],
  ['is in the start that ended the attempt', 1, job('running', 2), false],
  ['is held', 1, job('held', 2), false],
  ['has ended', 1, job('completed', 2), false],
  ['is not in the queue', 1, undefined, false],
  ['is of another submission', 1, { ...job('idle', 2), uuid: 'b' }, false],
])('of a final attempt, a job that %s', (_, start, report, expected) => {
  expect(isFenced({ submission, start }, report)).toBe(expected);
});

async function dispatch(backend: BatchBackend, runs: readonly number[]): Promise<void> {
  const session = await openReady(world.status, runs);
  await applyPlan({
    ...{ session, status: world.status, site: world.site, backend, log: silentLog },
    ...{ prepared: prepareTestRule(world.root), payload: world.payload, ready: runs.length },
    ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory },
  });
  await session.close();
}

test('a job that would be stopped by the fence again and again is removed, the others stay', async () => {
  const restarting: BatchBackend = {
    ...world.backend,
    findEnds: () => ({ canRestart: true }),
    queryQueue: async (uuids) => {
      const jobs = valueOf(await world.backend.queryQueue(uuids));
      return { kind: 'answer', value: jobs.map((one) => ({ ...one, starts: 1 })) };
    },
  };
  await dispatch(restarting, [1, 2]);
  const [first] = await readAttempts(world.status);
  const at = '2026-11-24T10:00:00.000Z';
  await recordEvents(world.status, [
    {
      event: {
        ...{ cupsid: first?.id ?? 0, source: 'spool', sequence: 0, start: 0, at },
        detail: { kind: 'finished', exitCode: 0 },
      },
    },
  ]);
  const said: string[] = [];
  const input = { status: world.status, backend: restarting, log: silentLog };
  expect(await removeFenced({ ...input, rule: 'OTHER' }, (why) => said.push(why))).toBe(0);
  expect(await removeFenced(input, (why) => said.push(why))).toBe(1);
  const uuid = first?.submission ?? '';
  expect(valueOf(await world.backend.queryQueue([uuid])).map(({ process }) => process)).toEqual([1]);
  expect(said).toEqual([]);
});

test('submissions whose jobs start once are not asked about', async () => {
  await dispatch(world.backend, [1]);
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')} set status = 'finished'`);
  const silent: BatchBackend = {
    ...world.backend,
    queryQueue: () => Promise.resolve({ kind: 'unknown', reason: 'nobody answers' }),
  };
  const said: string[] = [];
  expect(
    await removeFenced({ ...{ status: world.status, backend: silent, log: silentLog } }, (why) => said.push(why)),
  ).toBe(0);
  expect(said).toEqual([]);
});
