import { formatCount } from '#util/text/format-count.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';
import type { RuleOrder } from '#model/rule.ts';

import type { PressureVerdict } from './pressure-verdict.ts';

/** Decides whether a rule that has these jobs in the queue may add more: `max_queued` and `max_idle`. */
export function decideByRule(
  { jobs, idle }: Pick<QueueGauge, 'jobs' | 'idle'>,
  { maxQueued = Infinity, maxIdle = Infinity }: RuleOrder,
): PressureVerdict {
  if (jobs >= maxQueued) {
    const reason = `${formatCount(jobs)} of its jobs are in the queue: 'max_queued' allows ${formatCount(maxQueued)}`;
    return { kind: 'wait', reason };
  }
  if (idle >= maxIdle) {
    const reason = `${formatCount(idle)} of its jobs wait in the queue: 'max_idle' allows ${formatCount(maxIdle)}`;
    return { kind: 'wait', reason };
  }
  return { kind: 'go', room: Math.min(maxQueued - jobs, maxIdle - idle) };
}
