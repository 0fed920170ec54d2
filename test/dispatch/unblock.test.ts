import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { makeLocalBackend } from '#batch/local/make-local-backend.ts';
import { sql } from '#db/connect.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { recover } from '#settle/recover.ts';

import { valueOf } from '../batch/contract.ts';
import { silentLog } from '../util/silent-log.ts';
import { clearAttempts, openDispatchWorld, openReady, prepareTestRule, readAttempts } from './dispatch-world.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { ApplyInput } from '#dispatch/apply-plan.ts';
import type { CursorOrder } from '#dispatch/cursor-order.ts';

import type { AttemptRow, DispatchWorld } from './dispatch-world.ts';

let world: DispatchWorld;
let refusing: BatchBackend;
beforeAll(async () => {
  world = await openDispatchWorld();
  await mkdir(join(world.root, 'full'));
  // Where the jobs should go stands a file, so every submission is refused.
  await writeFile(join(world.root, 'full', 'jobs'), '');
  refusing = makeLocalBackend(join(world.root, 'full'));
});
afterAll(() => world.close());
beforeEach(async () => {
  await clearAttempts(world.status);
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_cursor')}`);
});

const prepared = () => prepareTestRule(world.root, { unblock: ['held', 'running'] });

async function apply(runs: readonly number[], old: readonly AttemptRow[] = [], input: Partial<ApplyInput> = {}) {
  const session = await openReady(world.status, runs, new Map(old.map(({ run, id }) => [run, id])));
  try {
    return await applyPlan({
      ...{ session, ready: runs.length, gatewayUrl: 'http://127.0.0.1:1', log: silentLog },
      ...{ status: world.status, site: world.site, backend: world.backend, payload: world.payload },
      ...{ prepared: prepared(), workerDirectory: world.workerDirectory },
      ...input,
    });
  } finally {
    await session.close();
  }
}

async function setState(state: string): Promise<readonly AttemptRow[]> {
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')}
    set status = ${state}::${sql.table(world.status.role, 'prodstate')}`);
  return readAttempts(world.status);
}

const lives = async () =>
  (await readAttempts(world.status)).map(({ run, attemptNumber, isLive }) => [run, attemptNumber, isLive]);

test('C-P9: what is not resubmitted, because of --maxjobs, stays as it is', async () => {
  await apply([1, 2, 3]);
  const old = await setState('held');
  await apply([1, 2], old.slice(0, 2));
  expect(await lives()).toEqual([
    [1, 1, false],
    [1, 2, true],
    [2, 1, false],
    [2, 2, true],
    [3, 1, true],
  ]);
});

test('removes the jobs of replaced attempts from the queue (C-K8)', async () => {
  await apply([1, 2, 3]);
  const old = await setState('running');
  await apply(
    [1, 3],
    old.filter(({ run }) => run !== 2),
  );
  const jobs = valueOf(await world.backend.queryQueue([old[0]?.submission ?? '']));
  expect(jobs.map(({ cupsid }) => cupsid)).toEqual([old[1]?.id]);
});

test('a job of a replaced attempt that cannot be removed is stopped where it starts', async () => {
  await apply([1]);
  const old = await setState('running');
  const remove = () => Promise.resolve({ kind: 'unknown' as const, reason: 'no answer' });
  await apply([1], old, { backend: { ...world.backend, remove } });
  const event = {
    ...{ cupsid: old[0]?.id ?? 0, source: 'spool', sequence: 0, start: 1, at: '2026-11-24T08:00:00.000Z' },
    detail: { kind: 'started' as const, node: 'node' },
  };
  expect(await recordEvents(world.status, [{ event }])).toMatchObject([
    { go: false, reason: expect.stringMatching(/^retired: replaced in submission /u) },
  ]);
});

test('C-P9: a refused submission makes what it replaced live again, and removes no job', async () => {
  await apply([1, 2]);
  const old = await setState('held');
  await expect(apply([1, 2], old, { backend: refusing })).rejects.toMatchObject({ code: 'batch-refused' });
  expect(await lives()).toEqual([
    [1, 1, true],
    [1, 2, false],
    [2, 1, true],
    [2, 2, false],
  ]);
  expect((await readAttempts(world.status)).filter(({ isLive }) => isLive).map(({ status }) => status)).toEqual([
    'held',
    'held',
  ]);
  expect(valueOf(await world.backend.queryQueue([old[0]?.submission ?? '']))).toHaveLength(2);
});

const cursorNow = () => findCursor(world.status, prepared().names.production);
const ratchet = (): CursorOrder => ({ kind: 'ratchet', production: prepared().names.production });

test('--ratchet-cursor goes to the highest run reserved, and a refused submission puts it back', async () => {
  await apply([5, 9, 7], [], { cursor: ratchet() });
  expect(await cursorNow()).toBe(9);
  await expect(apply([20], [], { cursor: ratchet(), backend: refusing })).rejects.toMatchObject({
    code: 'batch-refused',
  });
  expect(await cursorNow()).toBe(9);
  await apply([3], [], { cursor: ratchet() });
  expect(await cursorNow()).toBe(9);
});

test('--ratchet-cursor: a dispatch that died before its submission leaves no run behind the cursor', async () => {
  await apply([5], [], { cursor: ratchet() });
  const onStep = (step: string): void => {
    if (step === 'reserved') throw new Error('died');
  };
  await expect(apply([30], [], { cursor: ratchet(), onStep })).rejects.toThrow('died');
  expect(await cursorNow()).toBe(30);
  const backend = { ...world.backend };
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'submission')} set reserved_at = reserved_at - interval '1 day', directory = '/gone'
    where state = 'reserved'`);
  await recover({ status: world.status, site: world.site, backend, log: silentLog, say: () => undefined });
  expect(await cursorNow()).toBe(5);
});

test('moves the cursor alone where nothing is ready', async () => {
  const session = await openReady(world.status, []);
  await dispatchPlan({
    ...{ plan: { session, funnel: { counts: { ready: 0 } } }, prepared: prepared(), site: world.site },
    ...{ status: world.status, backend: world.backend, gatewayUrl: 'http://127.0.0.1:1', log: silentLog },
    ...{ workerDirectory: world.workerDirectory, isForced: false, mayGoOn: () => Promise.resolve(true) },
    cursor: { kind: 'move', move: { production: prepared().names.production, run: 44, kind: 'forward' } },
  });
  await session.close();
  expect(await cursorNow()).toBe(44);
});
