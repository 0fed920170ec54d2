import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';

import type { PolicyCount } from '#model/report/loop-status.ts';

/**
 * Describes what a retry policy has decided about some attempts: a sentence without full stop.
 *
 * @param isPaused the rule is paused, so that nothing is retried now
 */
export function describePolicy(
  { isActive, action, count, example, dueAt }: Omit<PolicyCount, 'rule'>,
  now: Date,
  isPaused: boolean,
): string {
  const isOne = count === 1;
  const done = {
    retry: isActive ? 'will be retried' : 'would be retried',
    'give-up': isActive ? `${isOne ? 'was' : 'were'} given up` : 'would be given up',
    pause: isActive ? 'paused the rule' : 'would pause the rule',
    none: isOne ? 'stays as it is' : 'stay as they are',
  }[action];
  const due = dueAt === undefined ? '' : `, the next ${whenOf(dueAt, now)}`;
  const when = isActive && action === 'retry' ? (isPaused ? ' when the rule is resumed' : due) : '';
  return `retry (${isActive ? 'active' : 'passive'}): ${countOf(count, 'failed or held attempt')} ${done}${when}; e.g. ${example.dstfile}: ${example.reason}`;
}

/** Describes when something is due: `in 5m`, or `due`. */
export function whenOf(at: string, now: Date): string {
  const seconds = Math.round((Date.parse(at) - now.getTime()) / 1000);
  return seconds <= 0 ? 'due' : `in ${formatDuration(seconds)}`;
}
