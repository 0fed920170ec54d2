import { signalNameOf } from '#util/process/signal-name.ts';
import { formatDuration } from '#util/text/format-duration.ts';

import type {
  FailurePattern,
  ProductFailure,
  RetryCase,
  RetryDecision,
  RetryPolicy,
  RuleRequests,
} from '#model/policy/retry-policy.ts';

/** The wait doubles with each failure, up to a day. */
const longestWaitMs = 24 * 3_600_000;

/** Decides what to do about a failure: by the first case of the policy that matches it. */
export function decideRetry(failure: ProductFailure, policy: RetryPolicy, requests: RuleRequests): RetryDecision {
  const cause = describeFailure(failure);
  const index = policy.cases.findIndex(({ when }) => isLike(failure, when));
  const found = policy.cases[index];
  if (found === undefined) return { action: 'none', reason: `No case of 'retry' matches: ${cause}` };
  const caseNumber = index + 1;
  if (found.do === 'give-up') return { action: 'give-up', caseNumber, reason: cause };
  if (found.do === 'pause') return { action: 'pause', caseNumber, reason: cause };
  if (failure.failures >= policy.attempts) {
    const reason = `${failure.failures} of ${policy.attempts} attempts failed, the last one: ${cause}`;
    return { action: 'give-up', caseNumber, reason };
  }
  const waitMs = Math.min(found.afterMs * 2 ** (failure.failures - 1), longestWaitMs);
  const common = { action: 'retry', caseNumber, dueMs: failure.sinceMs + waitMs } as const;
  const wait = waitMs === 0 ? '' : ` after ${formatDuration(Math.round(waitMs / 1000))}`;
  switch (found.do) {
    case 'more-memory':
    case 'more-disk': {
      const what = found.do === 'more-memory' ? 'memory' : 'disk';
      const step = findStep(failure, found, requests);
      if (step.kind === 'capped') {
        return { action: 'give-up', caseNumber, reason: `${cause}; it already requests ${step.mb} MB of ${what}` };
      }
      const reason = `${cause}: retry with ${step.mb} MB of ${what}${wait}`;
      return { ...common, reason, ...(what === 'memory' ? { memoryMb: step.mb } : { diskMb: step.mb }) };
    }
    case 'avoid-node':
      if (failure.node === null) return { ...common, reason: `${cause}: retry${wait}` };
      return {
        ...common,
        avoidedNode: failure.node,
        reason: `${cause}: retry on another machine than ${failure.node}${wait}`,
      };
    case 'retry':
      return { ...common, reason: `${cause}: retry${wait}` };
  }
}

function findStep(
  failure: ProductFailure,
  { do: action, factor, upToMb = Infinity }: RetryCase,
  requests: RuleRequests,
): { readonly kind: 'step' | 'capped'; readonly mb: number } {
  const isMemory = action === 'more-memory';
  const peak = (isMemory ? failure.memoryMb : failure.diskMb) ?? 0;
  const requested = isMemory
    ? (failure.requestedMemoryMb ?? requests.memoryMb ?? 0)
    : (failure.requestedDiskMb ?? requests.diskMb ?? 0);
  const mb = Math.min(Math.ceil(Math.max(peak, requested, 1) * factor), upToMb);
  return mb > requested ? { kind: 'step', mb } : { kind: 'capped', mb: requested };
}

/** HTCondor's codes of a job that a person holds, or that waits from the start for its files or a release. */
const deliberateHolds: readonly number[] = [1, 15, 16];

/** Whether a pattern matches a failure. A job that was held on purpose matches only a case that names its hold code. */
function isLike(failure: ProductFailure, pattern: FailurePattern): boolean {
  const { exitCodes, holdCodes, signals, flags, message, node } = pattern;
  const signal = signalOf(failure);
  const isDeliberate = failure.state === 'held' && deliberateHolds.includes(failure.holdCode ?? 0);
  if (isDeliberate && holdCodes === undefined) return false;
  return (
    (exitCodes === undefined || (failure.exitCode !== null && exitCodes.includes(failure.exitCode))) &&
    (holdCodes === undefined || (failure.holdCode !== null && holdCodes.includes(failure.holdCode))) &&
    (signals === undefined || (signal !== undefined && signals.includes(signal))) &&
    (flags === undefined || flags.some((bit) => Math.floor(failure.flags / 2 ** bit) % 2 === 1)) &&
    (message === undefined || message.test(failure.message ?? '')) &&
    (node === undefined || node.test(failure.node ?? ''))
  );
}

/** A program that a signal ended has the exit code 128 and its number, or the batch system names it. */
function signalOf({ exitCode, signal, message }: ProductFailure): string | undefined {
  if (signal !== null) return signal.replace(/^SIG/u, '');
  if (exitCode !== null && exitCode > 128) return signalNameOf(exitCode - 128)?.replace(/^SIG/u, '');
  return /\bSIG([A-Z0-9]+)\b/u.exec(message ?? '')?.[1];
}

function describeFailure(failure: ProductFailure): string {
  const { state, exitCode, holdCode, message } = failure;
  const signal = signalOf(failure);
  const text =
    message === null || message === '' ? '' : ` (${message.length > 100 ? `${message.slice(0, 99)}…` : message})`;
  if (holdCode !== null) return `${state === 'held' ? 'Held' : 'Was held'} with code ${holdCode}${text}`;
  if (exitCode === null) return `Failed without an exit code${text}`;
  return `Exit code ${exitCode}${signal === undefined ? '' : ` (SIG${signal})`}${text}`;
}
