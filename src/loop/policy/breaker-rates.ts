import { countOf } from '#util/count-of.ts';
import { signalNameOf } from '#util/process/signal-name.ts';
import { formatCount } from '#util/text/format-count.ts';
import { formatDuration } from '#util/text/format-duration.ts';
import { shorten } from '#util/text/shorten.ts';

import type { BreakerSettings, EndCount, FailureCause } from '#model/policy/breaker.ts';

/** Decides whether so many attempts failed lately that it is worth looking at the time before. */
export function isSuspicious({ ended, failed }: EndCount, settings: BreakerSettings): boolean {
  return ended >= settings.jobs && failed >= settings.failed * ended;
}

/** Decides whether the failure rate has jumped: it is so many times that of the time before. Without any end before, it has. */
export function isJump(recent: EndCount, earlier: EndCount, { times }: BreakerSettings): boolean {
  return earlier.ended === 0 || failureRateOf(recent) >= times * failureRateOf(earlier);
}

/** Describes why a breaker opened: a sentence without full stop. */
export function describeBreaker(
  recent: EndCount,
  earlier: EndCount,
  cause: FailureCause | undefined,
  { withinMs, beforeMs }: BreakerSettings,
): string {
  const before =
    earlier.ended === 0
      ? `none ended in the ${spanOf(beforeMs)} before`
      : `${percentOf(earlier)} of ${formatCount(earlier.ended)} in the ${spanOf(beforeMs)} before`;
  const now = `${formatCount(recent.failed)} of ${formatCount(recent.ended)} jobs that ended within ${spanOf(withinMs)} failed (${percentOf(recent)}; ${before})`;
  return cause === undefined ? now : `${now}, most often with ${describeCause(cause)}`;
}

function describeCause({ exitCode, holdCode, count, message, node, nodeCount }: FailureCause): string {
  // A code above 128 is that of a signal.
  const signal = exitCode !== null && exitCode > 128 ? signalNameOf(exitCode - 128) : undefined;
  const exit = `exit code ${exitCode}${signal === undefined ? '' : ` (${signal})`}`;
  const code = holdCode !== null ? `hold code ${holdCode}` : exitCode === null ? 'no exit code' : exit;
  const place =
    node !== null && nodeCount * 2 > count
      ? `, ${nodeCount === count ? 'all' : `${formatCount(nodeCount)} of them`} on ${node}`
      : '';
  const said = message === null ? '' : `: ${shorten(message, 100)}`;
  return `${code} (${countOf(count, 'time')}${place})${said}`;
}

function failureRateOf({ ended, failed }: EndCount): number {
  return failed / Math.max(ended, 1);
}

function percentOf(count: EndCount): string {
  return `${Math.round(failureRateOf(count) * 100)} %`;
}

function spanOf(ms: number): string {
  return formatDuration(ms / 1000);
}
