import { expect, test } from 'vitest';

import { decideByQueue } from '#loop/back-pressure/decide-by-queue.ts';
import { decideByRule } from '#loop/back-pressure/decide-by-rule.ts';
import { makeBackoff } from '#loop/backoff.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';

const limits = { maxJobs: 1000, watermark: 1.05, atWatermark: 'cycle' } as const;
const site = { busyDutyCycle: 0.95, idleAtLeast: 100, freeBytes: 0 };
const weigh = (
  gauge: Partial<QueueGauge>,
  { atWatermark = 'cycle', ...more }: { atWatermark?: 'cycle' | 'exit'; idlePerRunning?: number } = {},
) =>
  decideByQueue({ jobs: 0, idle: 0, running: 0, held: 0, ...gauge }, { ...limits, atWatermark }, { ...site, ...more });

test.each([
  [{ jobs: 0 }, { kind: 'go', room: 1000 }],
  [{ jobs: 999 }, { kind: 'go', room: 1 }],
  [{ jobs: 1000 }, { kind: 'wait', reason: '1,000 jobs are in the queue, at most 1,000 are allowed', isEnd: false }],
  [{ jobs: 1050 }, { kind: 'wait', reason: '1,050 jobs are in the queue, at most 1,000 are allowed', isEnd: false }],
  [
    { jobs: 1051 },
    { kind: 'wait', reason: '1,051 jobs are in the queue, more than the watermark of 1,050', isEnd: false },
  ],
  [{ dutyCycle: 0.95 }, { kind: 'go', room: 1000 }],
  [{ dutyCycle: 0.991 }, { kind: 'wait', reason: 'A schedd is busy 99 % of the time, more than 95 %', isEnd: false }],
])('of %j makes %j', (gauge, verdict) => {
  expect(weigh(gauge)).toEqual(verdict);
});

test.each([
  [
    { jobs: 60, idle: 60, running: 0 },
    { kind: 'go', room: 40 },
  ],
  [
    { jobs: 200, idle: 100, running: 100 },
    { kind: 'go', room: 150 },
  ],
  [{ jobs: 350, idle: 250, running: 100 }, '250 jobs wait in the queue and 100 run: at most 250 may wait'],
  [{ jobs: 100, idle: 100, running: 0 }, '100 jobs wait in the queue and 0 run: at most 100 may wait'],
])('compares waiting with running jobs: %j makes %j (C-Q27)', (gauge, verdict) => {
  const found = weigh(gauge, { idlePerRunning: 2.5 });
  expect(found).toEqual(typeof verdict === 'string' ? { kind: 'wait', reason: verdict, isEnd: false } : verdict);
});

test('lets a rule have as many jobs in the queue as it allows (C-Q27)', () => {
  expect(decideByRule({ jobs: 7, idle: 3 }, { priority: 0 })).toEqual({ kind: 'go', room: Infinity });
  expect(decideByRule({ jobs: 7, idle: 3 }, { priority: 0, maxQueued: 10, maxIdle: 5 })).toEqual({
    kind: 'go',
    room: 2,
  });
  expect(decideByRule({ jobs: 10, idle: 3 }, { priority: 0, maxQueued: 10 })).toEqual({
    ...{ kind: 'wait', reason: "10 of its jobs are in the queue: 'max_queued' allows 10" },
  });
  expect(decideByRule({ jobs: 7, idle: 5 }, { priority: 0, maxIdle: 5 })).toEqual({
    ...{ kind: 'wait', reason: "5 of its jobs wait in the queue: 'max_idle' allows 5" },
  });
});

test('ends the loop at the watermark where that is wanted', () => {
  expect(weigh({ jobs: 2000 }, { atWatermark: 'exit' })).toMatchObject({ kind: 'wait', isEnd: true });
});

test('tries a rule that failed in the next cycle, and then ever later, up to an hour', () => {
  const backoff = makeBackoff(300_000);
  const pauses: number[] = [];
  for (let failures = 1; failures <= 7; failures += 1) pauses.push(backoff.recordFailure('A', 0, 'away') / 60_000);
  expect(pauses).toEqual([0, 10, 20, 40, 60, 60, 60]);
  expect(backoff.findWait('A', 59 * 60_000)).toMatchObject({ failures: 7, reason: 'away' });
  expect(backoff.findWait('A', 60 * 60_000)).toBeUndefined();
  expect(backoff.findWait('B', 0)).toBeUndefined();
  backoff.forget('A');
  expect(backoff.findWait('A', 0)).toBeUndefined();
});
