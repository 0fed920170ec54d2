import { formatCount } from '#util/text/format-count.ts';

import type { BatchAnswer } from '#batch/backend.ts';
import type { QueueGauge } from '#model/report/loop-status.ts';

/** How full the queue may get. */
export interface QueueLimits {
  /** `--maxcondor`: with more jobs in the queue nothing is submitted. */
  readonly maxJobs: number;
  /** `--watermark`: with more than this multiple of `maxJobs` the cycle ends. */
  readonly watermark: number;
  /** `--watermark-action`: what to do then: wait for the next cycle, or end the loop. */
  readonly atWatermark: 'cycle' | 'exit';
}

/** Above this part of its time a schedd is saturated: it answers late, and every further job makes it worse. */
const busiestDutyCycle = 0.95;

/** Whether a rule may submit jobs now. */
export type QueueVerdict =
  /** At most `room` jobs. */
  | { readonly kind: 'go'; readonly room: number }
  | { readonly kind: 'wait'; readonly reason: string }
  /** No rule of this cycle may; `isEnd`: and no further cycle is wanted. */
  | { readonly kind: 'full'; readonly reason: string; readonly isEnd: boolean };

/** Decides by what was measured of the queue whether jobs may be added. That nothing is known is a reason to wait. */
export function decideByQueue(answer: BatchAnswer<QueueGauge>, limits: QueueLimits): QueueVerdict {
  if (answer.kind === 'unknown')
    return { kind: 'wait', reason: `It is unknown how full the queue is: ${answer.reason}` };
  const { jobs, dutyCycle } = answer.value;
  const { maxJobs, watermark, atWatermark } = limits;
  const count = `${formatCount(jobs)} jobs are in the queue`;
  if (jobs > watermark * maxJobs) {
    const most = formatCount(Math.floor(watermark * maxJobs));
    return { kind: 'full', reason: `${count}, more than the watermark of ${most}`, isEnd: atWatermark === 'exit' };
  }
  if (jobs >= maxJobs) return { kind: 'wait', reason: `${count}, at most ${formatCount(maxJobs)} are allowed` };
  if (dutyCycle !== undefined && dutyCycle > busiestDutyCycle) {
    const percent = (part: number): string => `${Math.floor(part * 100)} %`;
    return {
      kind: 'wait',
      reason: `A schedd works ${percent(dutyCycle)} of its time, more than ${percent(busiestDutyCycle)}`,
    };
  }
  return { kind: 'go', room: maxJobs - jobs };
}
