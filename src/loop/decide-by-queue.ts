import { formatCount } from '#util/text/format-count.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';

/** How full the queue may get. */
export interface QueueLimits {
  /** `--maxcondor`: with this many jobs in the queue, nothing is submitted. */
  readonly maxJobs: number;
  /** `--watermark`: a multiple of `maxJobs`; with more jobs in the queue, `atWatermark` says what follows. */
  readonly watermark: number;
  /** `--watermark-action`: wait for the next cycle, or end the loop. */
  readonly atWatermark: 'cycle' | 'exit';
}

/** A schedd that is busier than this is saturated: it answers late, and every further job makes it worse. */
const busiestDutyCycle = 0.95;

/** Whether a rule may submit jobs now. */
export type QueueVerdict =
  /** At most `room` jobs. */
  | { readonly kind: 'go'; readonly room: number }
  /** `isEnd`: the loop is to end with this cycle. */
  | { readonly kind: 'wait'; readonly reason: string; readonly isEnd: boolean };

/** Decides whether jobs may be added to a queue of this size. */
export function decideByQueue({ jobs, dutyCycle }: QueueGauge, limits: QueueLimits): QueueVerdict {
  const { maxJobs, watermark, atWatermark } = limits;
  const count = `${formatCount(jobs)} jobs are in the queue`;
  if (jobs > watermark * maxJobs) {
    const most = formatCount(Math.floor(watermark * maxJobs));
    return { kind: 'wait', reason: `${count}, more than the watermark of ${most}`, isEnd: atWatermark === 'exit' };
  }
  if (jobs >= maxJobs) {
    return { kind: 'wait', reason: `${count}, at most ${formatCount(maxJobs)} are allowed`, isEnd: false };
  }
  if (dutyCycle !== undefined && dutyCycle > busiestDutyCycle) {
    const percent = (part: number): string => `${Math.floor(part * 100)} %`;
    return {
      kind: 'wait',
      reason: `A schedd is busy ${percent(dutyCycle)} of the time, more than ${percent(busiestDutyCycle)}`,
      isEnd: false,
    };
  }
  return { kind: 'go', room: maxJobs - jobs };
}
