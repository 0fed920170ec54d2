import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { describeHeldJobs } from '#reports/settled/describe-held-jobs.ts';
import { findStuckJobs } from '#settle/held/find-stuck-jobs.ts';
import { findHeldJobs, markHeldJobs, removeHeldJobs } from '#settle/held/held-jobs.ts';

import { valueOf } from '../../batch/contract.ts';
import {
  clearAttempts,
  openDispatchWorld,
  openReady,
  prepareTestRule,
  readAttempts,
} from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { RunOptions } from '#model/run-options.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';
import type { HeldInput } from '#settle/held/held-jobs.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

let world: DispatchWorld;
let input: HeldInput;
beforeAll(async () => {
  world = await openDispatchWorld();
  input = { status: world.status, backend: world.backend, log: silentLog };
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_event')}`);
  await clearAttempts(world.status);
});

async function submit(runs: readonly number[], prepared: PreparedRule): Promise<string> {
  const session = await openReady(world.status, runs);
  try {
    const { submissions } = await applyPlan({
      ...{ session, ready: runs.length, gatewayUrl: 'http://127.0.0.1:1', log: silentLog, prepared },
      ...{ status: world.status, site: world.site, backend: world.backend, payload: world.payload },
      workerDirectory: world.workerDirectory,
    });
    return submissions[0]?.uuid ?? '';
  } finally {
    await session.close();
  }
}

const mine = (): PreparedRule => prepareTestRule(world.root);

/** A production whose name begins like that of {@link mine}. */
function others(): PreparedRule {
  const prepared = mine();
  const { production } = prepared.names;
  const other = { ...production, dsttype: `${production.dsttype}_extra` };
  return { ...prepared, names: { ...prepared.names, production: other } };
}

const states = async () =>
  (
    await world.status.query<{ run: number; status: string; message: string | null }>(sql`
    select run, status::text, message from ${sql.table(world.status.role, 'production_status')} order by run`)
  ).map(({ run, status, message }) => [run, status, message]);

const reason = 'Disk quota exceeded: «/sphenix»; it\'s "full"';

test('marks the held jobs of this production, with their reason, once, and clears nothing', async () => {
  const uuid = await submit([1, 2], mine());
  const stranger = await submit([3], others());
  const [first] = await readAttempts(world.status);
  await world.backend.hold({ uuid, cupsids: [first?.id ?? 0] }, reason);
  await world.backend.hold({ uuid: stranger }, reason);

  const held = await findHeldJobs(input, mine());
  expect(held.jobs.map(({ attempt }) => attempt.id)).toEqual([first?.id]);
  expect(await markHeldJobs(input, held.jobs)).toBe(1);
  expect(await markHeldJobs(input, (await findHeldJobs(input, mine())).jobs)).toBe(0);
  expect(await states()).toEqual([
    [1, 'held', expect.stringContaining(reason)],
    [2, 'submitted', null],
    [3, 'submitted', null],
  ]);
  expect(valueOf(await world.backend.queryQueue([uuid]))).toHaveLength(2);
});

test('looks at the runs and segments that were asked for only (C-S5)', async () => {
  const uuid = await submit([1, 2, 3], mine());
  await world.backend.hold({ uuid }, reason);
  const runsOf = async (options: Partial<RunOptions>): Promise<readonly number[]> => {
    const prepared = mine();
    const held = await findHeldJobs(input, { ...prepared, options: { ...prepared.options, ...options } });
    return held.jobs.map(({ attempt }) => attempt.run);
  };
  expect(await runsOf({ runs: { kind: 'range', first: 2, last: 3 } })).toEqual([2, 3]);
  expect(await runsOf({ runs: { kind: 'list', runs: [1, 9] } })).toEqual([1]);
  expect(await runsOf({ segments: { kind: 'one', segment: 7 } })).toEqual([]);
  expect(await runsOf({ runs: { kind: 'cursor' }, cursor: 3 })).toEqual([1, 2, 3]);
});

test('clears held jobs without their being marked, and no job of another production (C-K9)', async () => {
  const uuid = await submit([1, 2], mine());
  const stranger = await submit([3], others());
  const [first] = await readAttempts(world.status);
  await world.backend.hold({ uuid, cupsids: [first?.id ?? 0] }, reason);
  await world.backend.hold({ uuid: stranger }, 'wait');

  expect(await removeHeldJobs(input, await findHeldJobs(input, mine()), 'tester')).toBe(1);
  expect(await states()).toEqual([
    [1, 'failed', expect.stringMatching(/^Cleared while held: .*Disk quota exceeded/u)],
    [2, 'submitted', null],
    [3, 'submitted', null],
  ]);
  expect(valueOf(await world.backend.queryQueue([uuid])).map(({ cupsid }) => cupsid)).not.toContain(first?.id);
  expect(valueOf(await world.backend.queryQueue([stranger]))).toMatchObject([{ state: 'held' }]);
  const sources = await world.status.query(sql`
    select source, kind from ${sql.table(world.status.role, 'production_event')}`);
  expect(sources).toEqual([{ source: 'operator:tester', kind: 'removed' }]);
});

test('shows and clears a job that is held after its attempt has ended; the attempt stays as it ended', async () => {
  const uuid = await submit([1, 2], mine());
  const [first] = await readAttempts(world.status);
  await world.backend.hold({ uuid, cupsids: [first?.id ?? 0] }, 'Transfer output files failure');
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')} set status = 'finished' where run = 1`);
  const held = await findHeldJobs(input, mine());
  const reason = expect.stringContaining('Transfer output files failure');
  expect(held).toMatchObject({
    jobs: [],
    ended: [{ cupsid: first?.id, state: 'finished', submission: uuid, reason }],
  });
  expect(describeHeldJobs('TEST', held)).toEqual([
    "0 jobs of 'TEST' held",
    "1 job of 'TEST' held after their attempt ended",
    expect.stringMatching(/^ {2}\d+ \(finished\): .*Transfer output files failure/u),
  ]);
  expect(await findStuckJobs(input)).toMatchObject({ stops: [], heldAfterEnd: [{ cupsid: first?.id, reason }] });
  expect(await removeHeldJobs(input, held, 'tester')).toBe(1);
  expect(await states()).toEqual([
    [1, 'finished', null],
    [2, 'submitted', null],
  ]);
  expect(valueOf(await world.backend.queryQueue([uuid])).map(({ cupsid }) => cupsid)).not.toContain(first?.id);
  expect(await findHeldJobs(input, mine())).toMatchObject({ jobs: [], ended: [] });
});

test('does not take no answer for no held job', async () => {
  await submit([1], mine());
  const backend = {
    ...world.backend,
    queryQueue: () => Promise.resolve({ kind: 'unknown' as const, reason: 'the schedd is away' }),
  };
  await expect(findHeldJobs({ ...input, backend }, mine())).rejects.toMatchObject({
    code: 'batch-no-answer',
    message: 'The batch system does not report which jobs are held: the schedd is away',
  });
});
