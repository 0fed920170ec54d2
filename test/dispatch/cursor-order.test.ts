import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { decideCursorOrder } from '#dispatch/cursor-order.ts';
import { planRule } from '#dispatch/plan-rule.ts';

import { emptyWorld, makeProposals, putWorld } from '../db/decide/world.ts';
import { blindQuery, openPlanWorld } from './plan-world.ts';
import { testDstfile } from './test-rule.ts';

import type { CursorWish } from '#dispatch/cursor-order.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { PlanWorld } from './plan-world.ts';

const production = { dsttype: 'DST_TEST_run2pp', build: 'ana437', tag: '2024p007', version: 1 };

let world: PlanWorld;
beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
  await putWorld(world.open, {
    ...emptyWorld,
    proposals: [9, 1, 2, 3, 4, 5, 6].map((run) => ({ run, segment: 0, files: 'a.evt' })),
    attempts: [
      { dstfile: testDstfile(2), state: 'finished' },
      { dstfile: testDstfile(4), state: 'failed' },
      { dstfile: testDstfile(6), state: 'running' },
      ...[2, 5, 8].map((run) => ({ dstfile: testDstfile(run).replace('TEST', 'OTHER'), state: 'running' as const })),
    ],
    invalid: [{ dstname: 'DST_TEST_run2pp', runs: [1, 1] }],
    datasets: [`${testDstfile(3)}.root`, `${testDstfile(5)}.root`],
    files: [],
  });
});
afterAll(() => world.close());

async function order(
  wish: CursorWish,
  first: number,
  last: number,
  options: Partial<RunOptions> = {},
  directPath?: string,
  query?: string,
) {
  const plan = await planRule(world.inputOf({ runs: { kind: 'range', first, last }, ...options }, directPath, query));
  try {
    return await decideCursorOrder(plan, wish);
  } finally {
    await plan.close();
  }
}

test.each([
  ['the lowest run with a failed job', 1, 99, 4],
  ['the lowest run with a running job', 5, 6, 6],
  ['a run whose inputs are missing', 7, 99, 9],
  ['the highest run where all are finished, there, or invalid', 1, 3, 3],
])('--advance-cursor goes to %s', async (_, first, last, run) => {
  expect(await order({ kind: 'advance' }, first, last)).toEqual({
    kind: 'order',
    order: { kind: 'move', move: { production, run, kind: 'forward' } },
  });
});

test('--advance-cursor does not wait for jobs of others, also where a rule has no parents (C-K10)', async () => {
  // DST_OTHER has running jobs of the runs 2, 5 and 8; a rule with a directory for its inputs reads no datasets.
  for (const directPath of [undefined, join(world.root, 'nothing', '*')]) {
    expect(await order({ kind: 'advance' }, 2, 3, {}, directPath)).toMatchObject({ order: { move: { run: 3 } } });
    expect(await order({ kind: 'advance' }, 5, 8, {}, directPath)).toMatchObject({ order: { move: { run: 6 } } });
  }
});

test('--advance-cursor stays where nothing is known', async () => {
  expect(await order({ kind: 'advance' }, 50, 60)).toEqual({ kind: 'stays', reason: 'the query returns no run' });
  expect(await order({ kind: 'advance' }, 1, 99, { limit: 3 })).toMatchObject({
    kind: 'stays',
    reason: "'--limit 3' cuts off rows of the query, perhaps of lower runs",
  });
});

test('--ratchet-cursor and --set-cursor need no look at the runs', async () => {
  expect(await order({ kind: 'ratchet' }, 1, 9)).toEqual({ kind: 'order', order: { kind: 'ratchet', production } });
  expect(await order({ kind: 'set', run: 3 }, 1, 9)).toEqual({
    kind: 'order',
    order: { kind: 'move', move: { production, run: 3, kind: 'set' } },
  });
});

test('--advance-cursor stays within the runs that were asked for, whatever the query returns (C-S5)', async () => {
  for (const query of [undefined, blindQuery]) {
    const found = await order({ kind: 'advance' }, 1, 3, {}, undefined, query);
    expect(found).toEqual({ kind: 'order', order: { kind: 'move', move: { production, run: 3, kind: 'forward' } } });
  }
});
