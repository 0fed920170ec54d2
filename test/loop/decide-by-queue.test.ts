import { expect, test } from 'vitest';

import { makeBackoff } from '#loop/backoff.ts';
import { decideByQueue } from '#loop/decide-by-queue.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';

const limits = { maxJobs: 1000, watermark: 1.05, atWatermark: 'cycle' } as const;
const weigh = (gauge: Partial<QueueGauge>, atWatermark: 'cycle' | 'exit' = 'cycle') =>
  decideByQueue({ jobs: 0, idle: 0, running: 0, held: 0, ...gauge }, { ...limits, atWatermark });

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

test('ends the loop at the watermark where that is wanted', () => {
  expect(weigh({ jobs: 2000 }, 'exit')).toMatchObject({ kind: 'wait', isEnd: true });
});

test('tries a rule that failed in the next cycle, and then ever later, up to an hour', () => {
  const backoff = makeBackoff(300_000);
  const pauses: number[] = [];
  for (let failures = 1; failures <= 7; failures += 1) pauses.push(backoff.recordFailure('A', 0) / 60_000);
  expect(pauses).toEqual([0, 10, 20, 40, 60, 60, 60]);
  expect(backoff.findWait('A', 59 * 60_000)).toMatchObject({ failures: 7 });
  expect(backoff.findWait('A', 60 * 60_000)).toBeUndefined();
  expect(backoff.findWait('B', 0)).toBeUndefined();
  backoff.forget('A');
  expect(backoff.findWait('A', 0)).toBeUndefined();
});
