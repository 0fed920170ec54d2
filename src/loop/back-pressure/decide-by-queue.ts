import { formatCount } from '#util/text/format-count.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';
import type { SiteLimits } from '#model/site.ts';

import type { PressureVerdict } from './pressure-verdict.ts';

/** How full the queue may get. */
export interface QueueLimits {
  /** `--maxcondor`: with this many jobs in the queue, nothing is submitted. */
  readonly maxJobs: number;
  /** `--watermark`: a multiple of `maxJobs`; with more jobs in the queue, `atWatermark` says what follows. */
  readonly watermark: number;
  /** `--watermark-action`: wait for the next cycle, or end the loop. */
  readonly atWatermark: 'cycle' | 'exit';
}

/** Whether jobs may be submitted now, as far as the queue decides it. */
export type QueueVerdict =
  | Extract<PressureVerdict, { kind: 'go' }>
  /** `isEnd`: the loop is to end with this cycle. */
  | (Extract<PressureVerdict, { kind: 'wait' }> & { readonly isEnd: boolean });

/** Decides whether jobs may be added to a queue of this size. */
export function decideByQueue(gauge: QueueGauge, limits: QueueLimits, site: SiteLimits): QueueVerdict {
  const { jobs, dutyCycle } = gauge;
  const { maxJobs, watermark, atWatermark } = limits;
  const count = `${formatCount(jobs)} jobs are in the queue`;
  if (jobs > watermark * maxJobs) {
    const most = formatCount(Math.floor(watermark * maxJobs));
    return { kind: 'wait', reason: `${count}, more than the watermark of ${most}`, isEnd: atWatermark === 'exit' };
  }
  if (jobs >= maxJobs) {
    return { kind: 'wait', reason: `${count}, at most ${formatCount(maxJobs)} are allowed`, isEnd: false };
  }
  if (dutyCycle !== undefined && dutyCycle > site.busyDutyCycle) {
    const percent = (part: number): string => `${Math.floor(part * 100)} %`;
    return {
      kind: 'wait',
      reason: `A schedd is busy ${percent(dutyCycle)} of the time, more than ${percent(site.busyDutyCycle)}`,
      isEnd: false,
    };
  }
  const roomForIdle = findMostIdle(gauge, site) - gauge.idle;
  if (roomForIdle <= 0) {
    const most = formatCount(findMostIdle(gauge, site));
    return {
      kind: 'wait',
      reason: `${formatCount(gauge.idle)} jobs wait in the queue and ${formatCount(gauge.running)} run: at most ${most} may wait`,
      isEnd: false,
    };
  }
  return { kind: 'go', room: Math.min(maxJobs - jobs, roomForIdle) };
}

function findMostIdle({ running }: QueueGauge, { idlePerRunning, idleAtLeast }: SiteLimits): number {
  return idlePerRunning === undefined ? Infinity : Math.max(idleAtLeast, Math.floor(idlePerRunning * running));
}
