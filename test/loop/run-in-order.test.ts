import fc from 'fast-check';
import { expect, test } from 'vitest';

import { runInOrder } from '#loop/back-pressure/run-in-order.ts';

import type { RuleOrder } from '#model/rule.ts';

interface Wanted extends Partial<RuleOrder> {
  readonly name: string;
  readonly jobs: number;
}

/** Runs turns against a queue with this much room; returns what each got, in the order in which they went. */
async function give(room: number, wanted: readonly Wanted[]): Promise<readonly string[]> {
  const left = new Map(wanted.map(({ name, jobs }) => [name, jobs]));
  const given: string[] = [];
  await runInOrder(
    wanted.map(({ name, jobs: _jobs, priority = 0, ...order }) => ({ turn: name, order: { priority, ...order } })),
    {
      hasRoom: () => Promise.resolve(room > 0),
      run: (name, part) => {
        const most = Math.ceil(room * part);
        const jobs = Math.min(most, left.get(name) ?? 0);
        room -= jobs;
        left.set(name, (left.get(name) ?? 0) - jobs);
        given.push(`${name} ${jobs}`);
        return Promise.resolve(jobs >= most && (left.get(name) ?? 0) > 0);
      },
    },
  );
  return given;
}

test('runs rules by priority, and otherwise in the order of their file (C-Q28)', async () => {
  const wanted = [
    { name: 'A', jobs: 50 },
    { name: 'B', jobs: 80, priority: 5 },
    { name: 'C', jobs: 9, priority: -1 },
  ];
  expect(await give(100, wanted)).toEqual(['B 80', 'A 20', 'C 0']);
});

test('divides the room by shares, and what one leaves goes to those that want more (C-Q28)', async () => {
  const a = { name: 'A', share: 3 };
  expect(
    await give(100, [
      { ...a, jobs: 1000 },
      { name: 'B', jobs: 1000 },
    ]),
  ).toEqual(['A 75', 'B 25']);
  expect(
    await give(100, [
      { ...a, jobs: 1000 },
      { name: 'B', jobs: 5 },
    ]),
  ).toEqual(['A 75', 'B 5', 'A 20']);
  expect(
    await give(100, [
      { ...a, jobs: 10 },
      { name: 'B', jobs: 1000 },
    ]),
  ).toEqual(['A 10', 'B 90']);
  expect(
    await give(1, [
      { ...a, jobs: 10 },
      { name: 'B', jobs: 10 },
    ]),
  ).toEqual(['A 1', 'B 0']);
});

test('leaves no room while a rule wants more, and gives no rule more than it wants', async () => {
  const rule = fc.record({
    ...{ jobs: fc.nat(50), priority: fc.integer({ min: -1, max: 1 }) },
    share: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(100), fc.array(rule, { maxLength: 6 }), async (room, rules) => {
      const wanted = rules.map(({ share, ...one }, index) => ({
        ...{ name: String(index), ...one },
        ...(share === undefined ? {} : { share }),
      }));
      const given = await give(room, wanted);
      const sums = new Map<string, number>();
      for (const [name = '', jobs] of given.map((line) => line.split(' '))) {
        sums.set(name, (sums.get(name) ?? 0) + Number(jobs));
      }
      const all = wanted.reduce((sum, { jobs }) => sum + jobs, 0);
      expect([...sums.values()].reduce((sum, jobs) => sum + jobs, 0)).toBe(Math.min(room, all));
      for (const { name, jobs } of wanted) expect(sums.get(name)).toBeLessThanOrEqual(jobs);
    }),
  );
});
