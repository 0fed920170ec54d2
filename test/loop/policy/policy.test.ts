import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { findPauses, removePause } from '#db/status/loop/pauses.ts';
import { countPolicyActions, findPolicyActions } from '#db/status/policy/policy-actions.ts';

import { loop, outcomesOf, remembering, rowsOf, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

import type { BatchBackend, BatchJob } from '#batch/backend.ts';

useLoopWorld();

/** Runs `DST_A`, with 3 runs, once under a policy. */
async function cycle(policy: string, backend?: BatchBackend, last = 3, memory = '1024MB') {
  const file = join(world.root, 'policy.yaml');
  await writeFile(
    file,
    `${rule('DST_A', rowsOf(last)).replace('mem: 1024MB', `mem: ${memory}`).trimEnd()}\n  retry: ${policy}\n`,
  );
  const readTurns = () => Promise.resolve([turnOf('DST_A', file)]);
  const onWarning = (_rule: string, sentence: string): void => void warnings.push(sentence);
  warnings.length = 0;
  return loop([], { readTurns, onWarning, ...(backend === undefined ? {} : { backend }) });
}
/** What the last cycle had to say. */
const warnings: string[] = [];

/** Changes the live attempt of a run. */
async function set(run: number, columns: string): Promise<void> {
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')}
    set ${sql.verbatim(columns)} where run = ${run} and retired_at is null`);
}
const fail = (run: number, exitCode: number, more = ''): Promise<void> =>
  set(run, `status = 'failed', ended = now() at time zone 'utc', exit_code = ${exitCode}${more}`);

/** `RUN.NUMBER STATE`, with `retired` where it is, in order. */
async function attempts(): Promise<readonly string[]> {
  const rows = await world.status.query<{ readonly line: string }>(sql`
    select run || '.' || attempt_number || ' ' || case when retired_at is null then status::text else 'retired' end as line
    from ${sql.table(world.status.role, 'production_status')} order by run, attempt_number`);
  return rows.map(({ line }) => line);
}

const retrying = (more = '') => `{mode: active, cases: [{do: retry${more}}]}`;

test('only reports what it would do, unless it is active (C-Q30)', async () => {
  await cycle(retrying());
  await fail(2, 1);
  expect(outcomesOf(await cycle('{cases: [{do: retry}]}'))).toEqual(['DST_A dispatched 0']);
  expect(await attempts()).toEqual(['1.1 submitted', '2.1 failed', '3.1 submitted']);
  const [failed] = await world.status.query<{ readonly id: number }>(sql`
    select id from ${sql.table(world.status.role, 'production_status')} where status = 'failed'`);
  expect(await findPolicyActions(world.status, [failed?.id ?? 0])).toMatchObject({
    [failed?.id ?? 0]: { isActive: false, action: 'retry', reason: 'Exit code 1: retry' },
  });
  expect(await countPolicyActions(world.status)).toMatchObject([
    { rule: 'DST_A', isActive: false, action: 'retry', count: 1, example: { reason: 'Exit code 1: retry' } },
  ]);
});

test('retries a failed product, as often as it allows, and raises an alarm if it is given up (C-Q40)', async () => {
  await cycle(retrying());
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await fail(2, 1);
    expect(outcomesOf(await cycle(retrying()))).toEqual(['DST_A dispatched 1']);
    expect(warnings.filter((sentence) => sentence.startsWith('retry'))).toEqual([
      expect.stringMatching(
        /^retry \(active\): 1 failed or held attempt will be retried; e\.g\. DST_A_run2pp\S+: Exit code 1: retry/u,
      ),
    ]);
  }
  await fail(2, 1);
  expect(outcomesOf(await cycle(retrying()))).toEqual(['DST_A dispatched 0']);
  expect(await attempts()).toEqual([...['1.1 submitted', '2.1 retired', '2.2 retired', '2.3 failed', '3.1 submitted']]);
  expect(await countPolicyActions(world.status)).toMatchObject([
    { action: 'give-up', example: { reason: '3 of 3 attempts failed, the last one: Exit code 1' } },
  ]);
  expect(await findAlarms(world.status)).toMatchObject([
    {
      ...{ cause: 'given-up:DST_A', rule: 'DST_A' },
      what: expect.stringMatching(
        /^1 product of 'DST_A' is given up, the last one is 'DST_A_run2pp\S+': 3 of 3 attempts/u,
      ),
    },
  ]);
  // What a person makes possible is done, and a failure that was put right does not count any more.
  await set(2, "status = 'finished'");
  expect(await countPolicyActions(world.status)).toEqual([]);
  await cycle(retrying());
  expect(await findAlarms(world.status)).toEqual([]);
});

test('waits as long as the case says, and leaves alone failures that no case matches, or that are not selected', async () => {
  await cycle(retrying());
  for (const run of [1, 2]) await fail(run, run);
  const policy = '{mode: active, cases: [{when: {exit_code: 1}, do: retry, after: 1h}]}';
  expect(outcomesOf(await cycle(policy))).toEqual(['DST_A dispatched 0']);
  await set(1, "ended = ended - interval '2 hours'");
  expect(outcomesOf(await cycle(policy))).toEqual(['DST_A dispatched 1']);
  expect(await attempts()).toEqual(['1.1 retired', '1.2 submitted', '2.1 failed', '3.1 submitted']);
  await set(3, "status = 'failed', run = 120, dstfile = replace(dstfile, '-00000003-', '-00000120-')");
  await cycle(retrying());
  expect((await attempts()).slice(2)).toEqual(['2.1 retired', '2.2 submitted', '3.1 submitted', '120.1 failed']);
});

test('requests more memory, and other nodes, for the next attempt of the product, and keeps that', async () => {
  const jobs: BatchJob[] = [];
  await cycle(retrying(), remembering(jobs));
  const policy = `{mode: active, attempts: 9, cases: [{when: {hold_code: 34}, do: more-memory, factor: 2, up_to: 6GB},
    {do: avoid-node}]}`;
  await fail(2, 1, ', hold_code = 34, memory_mb = 1500');
  await cycle(policy, remembering(jobs));
  await fail(2, 1, ', hold_code = 34');
  await cycle(policy, remembering(jobs));
  await fail(2, 1, ", hold_code = null, execution_node = 'bad.farm'");
  await cycle(policy, remembering(jobs));
  expect(jobs).toHaveLength(6);
  expect(jobs.map(({ needs }) => needs)).toEqual([
    ...[undefined, undefined, undefined],
    ...[
      { memoryMb: 3000, diskMb: null, avoidedNodes: [] },
      { memoryMb: 6000, diskMb: null, avoidedNodes: [] },
    ],
    { memoryMb: 6000, diskMb: null, avoidedNodes: ['bad.farm'] },
  ]);
  // A rule that requests more in the meantime: the batch system gets both, and takes the larger one.
  await fail(2, 1, ", execution_node = 'bad.farm'");
  await cycle(policy, remembering(jobs), 3, '8GB');
  expect(jobs[6]?.commands['request_memory']).toBe('8GB');
});

test('pauses the rule if a case says so', async () => {
  await cycle(retrying());
  await fail(2, 66);
  const heard = await cycle('{mode: active, cases: [{when: {exit_code: 66}, do: pause}, {do: retry}]}', undefined, 5);
  expect(outcomesOf(heard)).toEqual(['DST_A waited 0']);
  expect(await findAlarms(world.status)).toMatchObject([{ cause: 'paused:DST_A', rule: 'DST_A' }]);
  const [pause] = await findPauses(world.status);
  expect(pause).toMatchObject({ rule: 'DST_A', by: 'policy' });
  expect(pause?.reason).toMatch(
    /^'retry' of the rule: Exit code 66 \(DST_A_run2pp_ana437_2024p007_v001-00000002-00000\)$/u,
  );
  // Once for each failure: a person who resumes the rule has seen it.
  await removePause(world.status, 'DST_A');
  expect(await findAlarms(world.status)).toEqual([]);
  const policy = '{mode: active, cases: [{when: {exit_code: 66}, do: pause}, {do: retry}]}';
  expect(outcomesOf(await cycle(policy, undefined, 5))).toEqual(['DST_A dispatched 2']);
  await fail(3, 66);
  expect(outcomesOf(await cycle(policy, undefined, 5))).toEqual(['DST_A waited 0']);
});

test('removes a held job whose product is given up, and never one that a person holds', async () => {
  const removed: number[] = [];
  const backend: BatchBackend = {
    ...world.backend,
    remove: (selection, reason) => {
      removed.push(...(selection.cupsids ?? []));
      return world.backend.remove(selection, reason);
    },
    queryQueue: async (uuids) => {
      const answer = await world.backend.queryQueue(uuids);
      if (answer.kind === 'unknown') return answer;
      const held = { state: 'held', holdReason: 'by hand' } as const;
      const value = answer.value.map((job) => ({ ...job, ...held, holdCode: job.process === 0 ? 1 : 12 }));
      return { ...answer, value };
    },
  };
  await cycle(retrying());
  await cycle('{mode: active, attempts: 1, cases: [{do: retry}]}', backend);
  const rows = await world.status.query<{ readonly id: number; readonly process: number; readonly state: string }>(sql`
    select id, process, status::text as state from ${sql.table(world.status.role, 'production_status')} order by id`);
  const failed = rows.filter(({ state }) => state === 'failed');
  expect(failed.map(({ process }) => process)).toEqual([1, 2]);
  expect(removed).toEqual(failed.map(({ id }) => id));
});
