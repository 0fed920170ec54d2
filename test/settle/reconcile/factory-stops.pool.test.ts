import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { findStops } from '#db/status/factory/find-stops.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { reconcile } from '#settle/reconcile/reconcile.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { valueOf } from '../../batch/contract.ts';
import { clearAttempts, openDispatchWorld, openReady, prepareTestRule } from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { BatchBackend, BatchJob } from '#batch/backend.ts';
import type { Reconciled } from '#model/report/reconciled.ts';
import type { ReconcileInput } from '#settle/reconcile/reconcile.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

const commands: Record<string, string> = { request_memory: '20', request_disk: '1000' };
/** Who waits for more waits in vain. */
const patience = { timeoutMs: 120_000, everyMs: 500 };

let world: DispatchWorld;
const clusters = new Set<number>();
beforeAll(async () => {
  world = await openDispatchWorld({ htcondor: { commands } });
  await ensureEventPartitions(world.status);
});
afterAll(async () => {
  for (const cluster of clusters) await runCommand('condor_rm', [String(cluster)]);
  await world.close();
});
beforeEach(async () => {
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_event')}`);
  await clearAttempts(world.status);
});

interface Dispatched {
  readonly uuid: string;
  readonly cluster: number;
}

/** Dispatches runs. What is given for a run is an attribute that no check of ours has seen. */
async function dispatch(
  runs: readonly number[],
  more: { readonly odd?: Readonly<Record<number, string>>; readonly matches: boolean; readonly atOnce?: number },
): Promise<Dispatched> {
  const { odd = {}, matches, atOnce } = more;
  const add = async function* (items: AsyncIterable<BatchJob>): AsyncGenerator<BatchJob> {
    for await (const job of items) {
      const attributes = {
        '+Odd': odd[runs[job.process] ?? 0] ?? '1',
        requirements: String(matches),
        ...(atOnce === undefined ? {} : { max_materialize: String(atOnce) }),
      };
      yield { ...job, commands: { ...job.commands, ...attributes } };
    }
  };
  const backend: BatchBackend = {
    ...world.backend,
    submit: (submission, items) => world.backend.submit(submission, add(items)),
  };
  const session = await openReady(world.status, runs);
  const { submissions } = await applyPlan({
    ...{ session, status: world.status, site: world.site, backend, log: silentLog, ready: runs.length },
    ...{ prepared: prepareTestRule(world.root), payload: world.payload, workerDirectory: world.workerDirectory },
    gatewayUrl: 'http://127.0.0.1:1',
  });
  await session.close();
  const [submission] = submissions;
  const { uuid, cluster } = submission ?? { uuid: '', cluster: 0 };
  clusters.add(cluster);
  return { uuid, cluster };
}

function reconcileNow(more: Partial<ReconcileInput> = {}): Promise<Reconciled> {
  return reconcile({
    ...{ status: world.status, backend: world.backend, log: silentLog, ingestSpools: () => Promise.resolve() },
    ...{ endGraceMs: 0, vanishAfterMs: 600_000 },
    ...more,
  });
}

/** Waits until the factory is as it has to be. */
async function untilStop(uuid: string, kind: 'held' | 'broken' | 'removed'): Promise<void> {
  const stop = await waitUntil(async () => {
    const [report] = valueOf(await world.backend.findSubmissions([uuid], 'queue'));
    return report?.stop?.kind === kind ? report.stop : undefined;
  }, patience);
  expect(stop).toBeDefined();
}

/** Waits until the queue has this many jobs of a submission in a state. */
async function untilJobs(uuid: string, count: number, state: string): Promise<void> {
  const found = await waitUntil(async () => {
    const jobs = valueOf(await world.backend.queryQueue([uuid])).filter((job) => job.state === state);
    return jobs.length === count ? true : undefined;
  }, patience);
  expect(found).toBe(true);
}

interface Row {
  readonly run: number;
  readonly status: string;
  readonly isLive: boolean;
  readonly message: string | null;
}

const readRows = (): Promise<readonly Row[]> =>
  world.status.query<Row>(sql`
    select run, status::text as status, retired_at is null as "isLive", message
    from ${sql.table(world.status.role, 'production_status')} order by run, attempt_number`);

const never = /^HTCondor never created the job: failed to create ClassAd for Job \d+\.\d+ : .*Parse error.*Odd = a,b/u;

test('a factory that cannot make a job is ended: that job has failed, all others can be dispatched again (C-H10)', async () => {
  const { uuid, cluster } = await dispatch([1, 2, 3, 4], { odd: { 2: 'a,b' }, matches: false });
  await untilStop(uuid, 'broken');

  const reconciled = await reconcileNow({ rule: 'TEST' });
  const reason = expect.stringMatching(/^failed to create ClassAd for Job \d+\.1 : [^\p{Cc}]*Odd = a,b$/u);
  expect(reconciled).toMatchObject({
    ...{ takenBack: 3, unknown: 0 },
    stops: [{ submission: uuid, rule: 'TEST', cluster, state: 'ended', reason, unmade: 3, failed: 1 }],
  });
  expect(await readRows()).toEqual(
    [1, 2, 3, 4].map((run) => ({ run, status: 'failed', isLive: run === 2, message: expect.stringMatching(never) })),
  );
  expect(await reconcileNow()).toMatchObject({ checked: 0, stops: [], takenBack: 0 });

  const again = await dispatch([1, 3, 4], { matches: false });
  await untilJobs(again.uuid, 3, 'idle');
  expect(await reconcileNow()).toMatchObject({ checked: 3, agreed: 3, stops: [] });
  expect(valueOf(await world.backend.queryQueue([uuid]))).toEqual([]);
});

test('what a factory had made before it stopped runs to its end', async () => {
  const { uuid } = await dispatch([1, 2, 3, 4, 5, 6], { odd: { 5: 'a,b' }, matches: true, atOnce: 2 });
  await untilStop(uuid, 'broken');
  const rows = await waitUntil(async () => {
    await reconcileNow();
    const found = await readRows();
    return found.every(({ status }) => status === 'finished' || status === 'failed') ? found : undefined;
  }, patience);
  expect(rows?.map(({ run, status, isLive }) => [run, status, isLive])).toEqual([
    [1, 'finished', true],
    [2, 'finished', true],
    [3, 'finished', true],
    [4, 'finished', true],
    [5, 'failed', true],
    [6, 'failed', false],
  ]);
});

test('a submission that is held waits, is reported, and continues when it is released', async () => {
  const { uuid, cluster } = await dispatch([1, 2, 3, 4, 5], { matches: false, atOnce: 2 });
  await untilJobs(uuid, 2, 'idle');
  await runCommand('condor_hold', ['-reason', 'disk is full', String(cluster)]);
  await untilStop(uuid, 'held');
  const stop = { submission: uuid, cluster, state: 'held', unmade: 3, failed: 0 };
  const reason = expect.stringMatching(/^disk is full \(by user \S+\)$/u);
  expect(await reconcileNow()).toMatchObject({ takenBack: 0, stops: [{ ...stop, reason }], recorded: { held: 2 } });
  expect((await readRows()).map(({ status }) => status)).toEqual([
    'held',
    'held',
    'submitted',
    'submitted',
    'submitted',
  ]);
  expect(await findStops(world.status)).toMatchObject([{ submission: uuid, cluster, kind: 'held', reason, unmade: 3 }]);

  await runCommand('condor_release', [String(cluster)]);
  await untilJobs(uuid, 2, 'idle');
  expect(await reconcileNow()).toMatchObject({ stops: [], recorded: { released: 2 } });
  expect(await findStops(world.status)).toEqual([]);
});

test('a submission that is held for longer than a day ends, but for the jobs that are made; a dispatch leaves it alone', async () => {
  const { uuid, cluster } = await dispatch([1, 2, 3, 4, 5], { matches: false, atOnce: 2 });
  await untilJobs(uuid, 2, 'idle');
  await runCommand('condor_hold', [String(cluster)]);
  await untilStop(uuid, 'held');
  expect(await reconcileNow({ rule: 'TEST', keepHeldMs: 0 })).toMatchObject({
    takenBack: 0,
    stops: [{ state: 'held' }],
  });
  expect(await reconcileNow({ keepHeldMs: 0 })).toMatchObject({ takenBack: 3, stops: [{ state: 'ended', unmade: 3 }] });
  expect((await readRows()).map(({ status, isLive }) => [status, isLive])).toEqual([
    ['held', true],
    ['held', true],
    ['failed', false],
    ['failed', false],
    ['failed', false],
  ]);
  expect(valueOf(await world.backend.queryQueue([uuid])).map(({ state }) => state)).toEqual(['held', 'held']);
});

test('killed while it ended a factory, the next reconcile finishes', async () => {
  const { uuid } = await dispatch([1, 2, 3], { odd: { 3: 'a,b' }, matches: false });
  await untilStop(uuid, 'broken');
  const dying: BatchBackend = {
    ...world.backend,
    removeUnmade: async (...args) => {
      await world.backend.removeUnmade(...args);
      throw new Error('killed');
    },
  };
  await expect(reconcileNow({ backend: dying })).rejects.toThrow('killed');
  expect(await readRows()).toMatchObject([{ status: 'submitted' }, { status: 'submitted' }, { status: 'failed' }]);
  expect(await reconcileNow()).toMatchObject({ takenBack: 2, stops: [{ state: 'ended' }] });
  expect((await readRows()).map(({ status, isLive }) => [status, isLive])).toEqual([
    ['failed', false],
    ['failed', false],
    ['failed', true],
  ]);
});

test('a submission that is removed has failed as a whole, also what was never created', async () => {
  const { uuid, cluster } = await dispatch([1, 2, 3, 4, 5], { matches: false, atOnce: 2 });
  await untilJobs(uuid, 2, 'idle');
  await runCommand('condor_rm', [String(cluster)]);
  const gone = await waitUntil(async () => {
    const [report] = valueOf(await world.backend.findSubmissions([uuid]));
    return report?.isOver;
  }, patience);
  expect(gone).toBe(true);
  expect(await reconcileNow({ vanishAfterMs: 0 })).toMatchObject({ recorded: { removed: 5, vanished: 0 }, stops: [] });
  const unmade = 'Its submission was removed from the queue before the job was created';
  const removed = expect.stringMatching(/^via condor_rm/u);
  expect((await readRows()).map(({ message }) => message)).toEqual([removed, removed, unmade, unmade, unmade]);
});

test('a job whose ad cannot be read is unknown, never gone, and hides no other', async () => {
  const { uuid } = await dispatch([1, 2, 3], { matches: false });
  await untilJobs(uuid, 3, 'idle');
  const [first] = valueOf(await world.backend.queryQueue([uuid]));
  const spoil = [
    '-constraint',
    `SlurpSubmission == "${uuid}" && ProcId == ${first?.process}`,
    'SlurpCupsid',
    'undefined',
  ];
  expect((await runCommand('condor_qedit', spoil)).exitCode).toBe(0);

  const reconciled = await reconcileNow({ vanishAfterMs: 0 });
  expect(reconciled).toMatchObject({ checked: 3, agreed: 2, unknown: 1, unread: 1, recorded: { vanished: 0 } });
  expect(reconciled.reasons).toEqual([
    { why: "An ad in the answer of 'condor_q' has missing or invalid fields: 'SlurpCupsid'", count: 1 },
  ]);
  expect((await readRows()).map(({ status }) => status)).toEqual(['submitted', 'submitted', 'submitted']);
});
