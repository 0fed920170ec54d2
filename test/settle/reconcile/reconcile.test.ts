import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { reconcile } from '#settle/reconcile/reconcile.ts';

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
import type { Reconciled } from '#model/report/reconciled.ts';
import type { ReconcileInput } from '#settle/reconcile/reconcile.ts';

import type { AttemptRow, DispatchWorld } from '../../dispatch/dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
  await ensureEventPartitions(world.status);
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_event')}`);
  await clearAttempts(world.status);
});

async function dispatch(
  runs: readonly number[],
  replaces?: ReadonlyMap<number, number>,
  backend: BatchBackend = world.backend,
): Promise<void> {
  const session = await openReady(world.status, runs, replaces);
  await applyPlan({
    ...{ session, status: world.status, site: world.site, backend, log: silentLog },
    ...{ prepared: prepareTestRule(world.root, { unblock: ['held'] }), payload: world.payload, ready: runs.length },
    ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory },
  });
  await session.close();
}

/** The batch system, saying something else of its jobs: those that `say` leaves out are in neither queue nor history. */
function saying(say: (job: BatchJobReport) => BatchJobReport | undefined): BatchBackend {
  const { backend } = world;
  const ask = async (uuids: readonly string[]) => {
    const jobs = valueOf(await backend.queryQueue(uuids));
    return jobs.flatMap((job) => say(job) ?? []);
  };
  const isOver = ({ state }: BatchJobReport): boolean => state === 'completed' || state === 'removed';
  return {
    ...backend,
    queryQueue: async (uuids) => ({ kind: 'answer', value: (await ask(uuids)).filter((job) => !isOver(job)) }),
    queryHistory: async (uuids) => ({ kind: 'answer', value: (await ask(uuids)).filter(isOver) }),
  };
}

const atOnce = { endGraceMs: 0, vanishAfterMs: 0 };

function reconcileNow(backend: BatchBackend = world.backend, more: Partial<ReconcileInput> = {}): Promise<Reconciled> {
  return reconcile({
    ...{ status: world.status, backend, log: silentLog, ingestSpools: () => Promise.resolve() },
    ...atOnce,
    ...more,
  });
}

const nothing = { started: 0, held: 0, released: 0, evicted: 0, exited: 0, removed: 0, vanished: 0 };

interface Full extends AttemptRow {
  readonly message: string | null;
  readonly exit_code: number | null;
  readonly hold_code: number | null;
  readonly memory_mb: number | null;
}

function readFull(): Promise<readonly Full[]> {
  return world.status.query<Full>(sql`
    select *, status::text as status from ${sql.table(world.status.role, 'production_status')} order by run, attempt_number`);
}

/** The job of a run: its attempt is found by the process number, which is the run's place. */
const since = new Date(Date.now() - 120_000).toISOString();
const stories: readonly ((job: BatchJobReport) => BatchJobReport | undefined)[] = [
  (job) => job,
  (job) => ({ ...job, state: 'running', starts: 1, since, node: 'w1' }),
  (job) => ({ ...job, state: 'held', starts: 1, since, holdReason: 'memory', holdCode: 26, holdSubcode: 34 }),
  (job) => ({ ...job, state: 'idle', starts: 2, since }),
  (job) => ({ ...job, state: 'completed', starts: 1, since, signal: 'SIGKILL', memoryMb: 77 }),
  (job) => ({ ...job, state: 'completed', starts: 1, since, exitCode: 0 }),
  (job) => ({ ...job, state: 'removed', starts: 1, since, removeReason: 'via condor_rm (by user me)' }),
  () => undefined,
];

test('every story of a job ends up in its row, and the second time nothing is new', async () => {
  await dispatch(stories.map((_, index) => index + 1));
  const backend = saying((job) => stories[job.process]?.(job));
  expect(await reconcileNow(backend)).toEqual({
    ...{
      checked: 8,
      agreed: 1,
      confirmed: 0,
      jobsRemoved: 0,
      waiting: 0,
      unknown: 0,
      unread: 0,
      disbelieved: 0,
      reasons: [],
    },
    ...{ stops: [], takenBack: 0 },
    recorded: { ...nothing, started: 1, held: 1, evicted: 1, exited: 2, removed: 1, vanished: 1 },
  });
  expect(
    (await readFull()).map((row) => [row.status, row.message, row.exit_code, row.hold_code, row.memory_mb]),
  ).toEqual([
    ['submitted', null, null, null, null],
    ['started', null, null, null, null],
    ['held', 'memory', null, 26, null],
    ['evicted', 'Back in the queue after it had started', null, null, null],
    ['failed', 'Killed by SIGKILL before it reported an end', null, null, 77],
    ['finished', null, 0, null, null],
    ['failed', 'via condor_rm (by user me)', null, null, null],
    ['failed', 'The job is neither in the queue nor in the history of the batch system', null, null, null],
  ]);
  const events = (): Promise<readonly object[]> =>
    world.status.query(sql`select * from ${sql.table(world.status.role, 'production_event')}`);
  const before = await events();
  expect(await reconcileNow(backend)).toMatchObject({ checked: 4, agreed: 4, recorded: nothing });
  expect(await events()).toHaveLength(before.length);
});

test('a held job that is released waits again, and is held again', async () => {
  await dispatch([1]);
  const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const held = { state: 'held', starts: 1, holdReason: 'x', holdCode: 1, holdSubcode: 0 } as const;
  const states: (string | undefined)[] = [];
  for (const story of [
    { ...held, since: at(5) },
    { state: 'idle', starts: 1, since: at(4) } as const,
    { ...held, since: at(3) },
  ]) {
    await reconcileNow(saying((job) => ({ ...job, ...story })));
    states.push((await readAttempts(world.status))[0]?.status);
  }
  expect(states).toEqual(['held', 'submitted', 'held']);
});

test('ten reconciliations at once record everything once', async () => {
  await dispatch([1, 2, 3]);
  const backend = saying((job) => ({ ...job, state: 'held', starts: 1, since, holdReason: 'x', holdCode: 1 }));
  const all = await Promise.all(Array.from({ length: 10 }, () => reconcileNow(backend)));
  expect(all.reduce((sum, { recorded }) => sum + recorded.held, 0)).toBe(3);
});

test('the spools that came home are taken first', async () => {
  await dispatch([1]);
  const steps: string[] = [];
  const backend = saying((job) => {
    steps.push('asked');
    return job;
  });
  await reconcileNow(backend, { ingestSpools: () => Promise.resolve(steps.push('spools')) });
  expect(steps[0]).toBe('spools');
});

test('a reason that the database cannot hold is recorded as far as it can be', async () => {
  await dispatch([1, 2]);
  const reasons = ['bad \u0000 byte and \uD800 half a character', 'memory'];
  const backend = saying((job) => ({
    ...{ ...job, state: 'held', starts: 1, since, holdCode: 26 },
    holdReason: reasons[job.process] ?? '',
  }));
  expect((await reconcileNow(backend)).recorded).toEqual({ ...nothing, held: 2 });
  const rows = await readFull();
  expect(rows.map(({ status, message }) => [status, message])).toEqual([
    ['held', 'bad \uFFFD byte and \uFFFD half a character'],
    ['held', 'memory'],
  ]);
});

describe('nothing is concluded', () => {
  test.each(['findSubmissions', 'queryQueue', 'queryHistory'] as const)('from no answer to %s', async (question) => {
    await dispatch([1, 2]);
    const silent = { ...saying(() => undefined), [question]: async () => ({ kind: 'unknown', reason: 'no answer' }) };
    expect(await reconcileNow(silent)).toMatchObject({
      ...{ unknown: 2, recorded: nothing, reasons: [{ why: 'no answer', count: 2 }] },
    });
    expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(['submitted', 'submitted']);
  });

  test('of a job that was heard of lately, or that just ended', async () => {
    await dispatch([1, 2]);
    const now = new Date().toISOString();
    const backend = saying((job) =>
      job.process === 0 ? undefined : { ...job, state: 'completed', starts: 1, since: now },
    );
    expect(await reconcileNow(backend, { endGraceMs: 60_000, vanishAfterMs: 60_000 })).toMatchObject({
      ...{ waiting: 2, recorded: nothing },
    });
  });

  test('of jobs that a factory has not made yet', async () => {
    await dispatch([1, 2, 3]);
    const backend: BatchBackend = {
      ...saying((job) => (job.process === 0 ? job : undefined)),
      findSubmissions: async (uuids) => {
        const answer = await world.backend.findSubmissions(uuids);
        return { kind: 'answer', value: valueOf(answer).map((one) => ({ ...one, nextProcess: 1 })) };
      },
    };
    expect(await reconcileNow(backend)).toMatchObject({ checked: 3, agreed: 3, recorded: nothing });
  });

  test('when most of many jobs vanish at once, unless the operator confirms it', async () => {
    await dispatch(Array.from({ length: 110 }, (_, index) => index + 1));
    const backend = saying(() => undefined);
    expect(await reconcileNow(backend)).toMatchObject({ checked: 110, disbelieved: 110, recorded: nothing });
    expect((await readAttempts(world.status)).every(({ status }) => status === 'submitted')).toBe(true);
    expect(await reconcileNow(backend, { isMassVanishingAllowed: true })).toMatchObject({
      ...{ disbelieved: 0, recorded: { ...nothing, vanished: 110 } },
    });
  });
});

test('the job of a retired attempt that the dispatch could not remove leaves the queue, and its attempt ends', async () => {
  await dispatch([1]);
  const [first] = await readAttempts(world.status);
  await reconcileNow(saying((job) => ({ ...job, state: 'held', starts: 1, since, holdReason: 'x', holdCode: 1 })));
  const mute: BatchBackend = {
    ...world.backend,
    remove: () => Promise.resolve({ kind: 'unknown', reason: 'no answer' }),
  };
  await dispatch([1], new Map([[1, first?.id ?? 0]]), mute);
  expect(await reconcileNow()).toMatchObject({ checked: 2, agreed: 1, jobsRemoved: 1 });
  expect(await reconcileNow()).toMatchObject({ checked: 2, agreed: 1, recorded: { ...nothing, removed: 1 } });
  expect(await readAttempts(world.status)).toMatchObject([
    { status: 'failed', isLive: false },
    { status: 'submitted', isLive: true },
  ]);
  expect(await reconcileNow()).toMatchObject({ checked: 1, agreed: 1 });
});

test.each([
  ['lost', '5 minutes'],
  ['refused', '40 days'],
])('a submission that was %s and is there after all is removed, also after %s', async (state, age) => {
  await dispatch([1, 2]);
  const [row] = await readAttempts(world.status);
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'submission')} set state = ${state}, ended_at = (now() at time zone 'utc') - ${age}::interval`);
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')} set retired_at = now(), status = 'failed'`);
  expect(await reconcileNow()).toMatchObject({ checked: 0, jobsRemoved: 2 });
  expect(valueOf(await world.backend.queryQueue([row?.submission ?? '']))).toEqual([]);
});

test('a job that is held after its attempt has ended leaves the queue, after a day', async () => {
  await dispatch([1, 2, 3]);
  const [first, second, third] = await readAttempts(world.status);
  const uuid = first?.submission ?? '';
  await world.backend.hold({ uuid, cupsids: [first?.id ?? 0, second?.id ?? 0] }, 'output files are missing');
  const end = (state: string, run: number): Promise<number> =>
    world.status.execute(sql`
      update ${sql.table(world.status.role, 'production_status')} set status = ${state}::text::${sql.table(world.status.role, 'prodstate')}
      where run = ${run}`);
  await end('finished', 1);
  // Ended and not held: it is on its way.
  await end('failed', 3);
  const queue = async (): Promise<readonly number[]> =>
    valueOf(await world.backend.queryQueue([uuid])).map(({ cupsid }) => cupsid);

  expect(await reconcileNow()).toMatchObject({ jobsRemoved: 0 });
  expect(await reconcileNow(world.backend, { keepHeldMs: 0, rule: 'TEST' })).toMatchObject({ jobsRemoved: 0 });
  expect(await queue()).toEqual([first?.id, second?.id, third?.id]);
  expect(await reconcileNow(world.backend, { keepHeldMs: 0 })).toMatchObject({ jobsRemoved: 1 });
  expect(await queue()).toEqual([second?.id, third?.id]);
  expect(await reconcileNow(world.backend, { keepHeldMs: 0 })).toMatchObject({ jobsRemoved: 0 });
  expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(['finished', 'held', 'failed']);
});

test('says why a factory makes no further jobs', async () => {
  await dispatch([1, 2]);
  const stop = { kind: 'held' as const, reason: 'disk is full (by user me)' };
  const backend: BatchBackend = {
    ...world.backend,
    findSubmissions: async (uuids) => {
      const found = valueOf(await world.backend.findSubmissions(uuids));
      return { kind: 'answer', value: found.map((one) => ({ ...one, nextProcess: 1, stop })) };
    },
  };
  expect(await reconcileNow(backend)).toMatchObject({
    ...{ agreed: 2, takenBack: 0, reasons: [] },
    stops: [{ rule: 'TEST', state: 'held', reason: stop.reason, unmade: 1, failed: 0 }],
  });
  expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(['submitted', 'submitted']);
});

test('a submission that was confirmed by the word of a job gets its number when the batch system knows it', async () => {
  await dispatch([1, 2]);
  const [before] = await readAttempts(world.status);
  const submission = sql.table(world.status.role, 'submission');
  await world.status.execute(sql`update ${submission} set cluster = null`);
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')} set cluster = 0, status = 'finished', start = 0`);
  await reconcileNow();
  expect((await readAttempts(world.status)).map(({ cluster }) => cluster)).toEqual([before?.cluster, before?.cluster]);
  expect(await world.status.query(sql`select cluster from ${submission}`)).toEqual([{ cluster: before?.cluster }]);
});

test('an attempt of a confirmed submission does not stay in submitting', async () => {
  await dispatch([1]);
  await world.status.execute(
    sql`update ${sql.table(world.status.role, 'production_status')} set status = 'submitting'`,
  );
  expect(await reconcileNow()).toMatchObject({ confirmed: 1 });
  expect(await readAttempts(world.status)).toMatchObject([{ status: 'submitted' }]);
});

test('only the rule that is asked for is looked at', async () => {
  await dispatch([1]);
  expect(await reconcileNow(world.backend, { rule: 'OTHER' })).toMatchObject({ checked: 0 });
  expect(await reconcileNow(world.backend, { rule: 'TEST' })).toMatchObject({ checked: 1 });
});
