import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';
import { formatDuration } from '#util/text/format-duration.ts';
import { formatSize } from '#util/text/format-size.ts';

import { describeRefused } from './describe-refused.ts';

import type { KnownSign } from '#model/job/sign-of-life.ts';
import type { BlockingAttempt } from '#model/report/verdict-fact.ts';
import type { Why } from '#model/report/why.ts';

/** Facts of one kind that are written out; the rest is counted. */
const atMost = 10;

/** Writes a time for a person: `2026-11-24 08:00:00 UTC`. */
export function formatTime(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Shortens a list of facts to the first ten and how many more there are. */
export function shortenList(lines: readonly string[]): readonly string[] {
  const rest = lines.length - atMost;
  return rest > 0 ? [...lines.slice(0, atMost), `and ${formatCount(rest)} more`] : lines;
}

/** Describes an attempt that blocks or is replaced: state, job, exit code, last message, refused reports. */
export function describeAttempt(
  attempt: BlockingAttempt | undefined,
  { refused, signs, policy }: Pick<Why, 'refused' | 'signs' | 'policy'>,
): readonly string[] {
  if (attempt === undefined) return ['its attempt has just been removed: ask again'];
  const { id, state, since, cluster, process, rule, submissionHost, executionNode, exitCode, message } = attempt;
  const where = cluster === 0 ? 'not in the batch system yet' : `job ${cluster}.${process}`;
  const hosts = [
    submissionHost === null ? '' : ` from ${submissionHost}`,
    executionNode === null ? '' : ` on ${executionNode}`,
  ];
  return [
    `attempt ${attempt.attemptNumber} (cupsid ${id}) is ${state}${since === null ? '' : ` since ${formatTime(since)}`}`,
    `${where}${hosts.join('')}${rule === null ? '' : `, by rule ${rule}`}`,
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(message === null || message === '' ? [] : [`last message: ${message}`]),
    ...describeSign(signs[id]),
    ...describePolicy(policy[id]),
    ...describeRefused(refused[id]),
  ];
}

function describePolicy(decided: Why['policy'][number] | undefined): readonly string[] {
  if (decided === undefined) return [];
  const { isActive, action, reason, dueAt } = decided;
  const what = {
    retry: isActive ? 'will be retried by a loop' : 'would be retried',
    'give-up': isActive ? 'is given up' : 'would be given up',
    pause: isActive ? 'paused the rule' : 'would pause the rule',
    none: 'stays as it is',
  }[action];
  const when = action === 'retry' && dueAt !== null ? ` from ${formatTime(dueAt)} on` : '';
  return [`retry policy (${isActive ? 'active' : 'passive'}): it ${what}${when}: ${reason}`];
}

function describeSign(sign: KnownSign | undefined): readonly string[] {
  if (sign === undefined) return [];
  const { secondsAgo, events, memoryBytes, diskBytes } = sign;
  const facts = [
    ...(events === null ? [] : [countOf(events, 'event')]),
    ...(memoryBytes === null ? [] : [`${formatSize(memoryBytes)} of memory`]),
    ...(diskBytes === null ? [] : [`${formatSize(diskBytes)} of disk`]),
  ];
  const said = facts.length === 0 ? '' : `: ${facts.join(', ')}`;
  return [`last sign of life ${formatDuration(secondsAgo)} ago${said}`];
}
