import { markAlarmCleared, raiseAlarm } from '#db/status/alarm/alarms.ts';
import { findFailuresOfProduction } from '#db/status/policy/find-failures-of-production.ts';
import { markPaused, markRetried, putDecisions } from '#db/status/policy/policy-actions.ts';
import { findScoutMemory } from '#db/status/policy/scout-memory.ts';
import { parseRequest } from '#model/policy/parse-request.ts';
import { findOutside, rowSelectionOf } from '#model/row-selection.ts';
import { describePolicy } from '#reports/loop/describe-policy.ts';
import { renderTemplate } from '#rules/expand-macros.ts';
import { findHeldJobs, removeHeldJobs } from '#settle/held/held-jobs.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import { decideRetry } from './decide-retry.ts';
import { putPauseWithAlarm } from './put-pause-with-alarm.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { DecidedFailure } from '#db/status/policy/policy-actions.ts';
import type { Log } from '#model/log.ts';
import type { RetryPolicy, RuleRequests } from '#model/policy/retry-policy.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** What {@link applyPolicy} works with. */
export interface PolicyInput {
  readonly prepared: PreparedRule;
  readonly policy: RetryPolicy;
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
  /** Called with what the operator should know, a sentence each: what was newly decided, for each kind of action. */
  readonly onWarning: (sentence: string) => void;
  /** Called first in every transaction: throws if the loop has lost its lease. */
  readonly guard: (transaction: Session) => Promise<void>;
}

/** What the policy did for a rule. */
export interface PolicyOutcome {
  /** Failed attempts that were retired: their products can be dispatched again. */
  readonly retried: number;
  /** Held jobs that were removed: their attempts fail, and are retried in a later pass or given up. */
  readonly removed: number;
  /** Why the rule was paused; absent if it was not. */
  readonly paused?: string;
}

/**
 * Decides about each failed and held attempt of a rule's production by its retry policy, and records that. Only an active
 * policy changes anything: failed attempts that are due are retired, held jobs are removed, the rule is paused.
 *
 * @throws DatabaseError; SiteError if the lease is lost; BatchError if the batch system does not answer
 */
export async function applyPolicy(input: PolicyInput): Promise<PolicyOutcome> {
  const { prepared, policy, status, guard } = input;
  const { rule, names, options } = prepared;
  const selection = rowSelectionOf(options);
  const failures = await findFailuresOfProduction(status, rule.name, names.production);
  const byScouts = rule.order.scoutMemory && (await findScoutMemory(status, names.production));
  const requests = { ...findRequests(prepared), ...present({ memoryMb: byScouts?.memoryMb }) };
  const decided = failures
    .filter((failure) => findOutside(selection, failure) === undefined)
    .map((failure): DecidedFailure => ({ failure, decision: decideRetry(failure, policy, requests) }));
  const changed = await putDecisions(status, rule.name, decided, policy.isActive);
  for (const sentence of describeNew(
    decided.filter(({ failure }) => changed.has(failure.cupsid)),
    policy,
  )) {
    input.onWarning(sentence);
  }
  if (!policy.isActive) return { retried: 0, removed: 0 };
  const pauses = decided.filter(({ failure, decision }) => decision.action === 'pause' && !failure.isPauseDone);
  const [pause] = pauses;
  if (pause !== undefined) {
    const reason = `'retry' of the rule: ${pause.decision.reason} (${pause.failure.dstfile})`;
    // A person who resumes the rule has seen these failures.
    const seen = pauses.map(({ failure }) => failure.cupsid);
    const order = { rule: rule.name, kind: 'paused', reason, by: 'policy' } as const;
    await putPauseWithAlarm(status, guard, order, (session) => markPaused(session, seen));
    return { retried: 0, removed: 0, paused: reason };
  }
  const now = Date.now();
  const due = decided.filter(({ decision }) => decision.action === 'retry' && decision.dueMs <= now);
  const failed = due.filter(({ failure }) => failure.state === 'failed').map(({ failure }) => failure.cupsid);
  const retried = await status.transaction(async (session) => {
    await guard(session);
    return markRetried(session, failed);
  });
  const givenUp = decided.filter(({ decision }) => decision.action === 'give-up');
  await putGivenUpAlarm(status, rule.name, givenUp);
  const ended = [...due, ...givenUp];
  const held = ended.filter(({ failure }) => failure.state === 'held').map(({ failure }) => failure.cupsid);
  return { retried, removed: await removeHeld(input, new Set(held)) };
}

function describeNew(fresh: readonly DecidedFailure[], { isActive }: RetryPolicy): readonly string[] {
  return (['retry', 'give-up', 'pause', 'none'] as const).flatMap((action) => {
    const some = fresh.filter(({ decision }) => decision.action === action);
    const last = some.at(-1);
    if (last === undefined) return [];
    const example = { dstfile: last.failure.dstfile, reason: last.decision.reason };
    return [describePolicy({ isActive, action, count: some.length, example }, new Date(), false)];
  });
}

/** A product that is given up needs a person: nothing else makes it. */
async function putGivenUpAlarm(status: Database, rule: string, givenUp: readonly DecidedFailure[]): Promise<void> {
  const cause = `given-up:${rule}`;
  const last = givenUp.at(-1);
  if (last === undefined) {
    await markAlarmCleared(status, cause);
    return;
  }
  const { dstfile, run, segment } = last.failure;
  await raiseAlarm(status, {
    ...{ cause, rule },
    what: `${countOf(givenUp.length, 'product')} of '${rule}' ${givenUp.length === 1 ? 'is' : 'are'} given up, the last one is '${dstfile}': ${last.decision.reason}`,
    advice: `See 'kaedama … --why ${run} ${segment}'; 'kaedama … --unblock-state failed' makes them again`,
  });
}

/** A held job would wait for ever: it is removed, and its attempt fails with its hold code. */
async function removeHeld(input: PolicyInput, cupsids: ReadonlySet<number>): Promise<number> {
  if (cupsids.size === 0) return 0;
  const held = await findHeldJobs(input, input.prepared);
  const jobs = held.jobs.filter(({ attempt }) => cupsids.has(attempt.id));
  const removed = await removeHeldJobs(input, { jobs, ended: [], stops: [], unread: [] }, 'policy');
  if (removed > 0) input.log.info({ rule: input.prepared.rule.name }, `${countOf(removed, 'held job')} removed`);
  return removed;
}

/** What the rule requests for all its jobs; a request that depends on the row is left out. */
function findRequests({ job }: PreparedRule): RuleRequests {
  const find = (command: 'request_memory' | 'request_disk'): number | undefined => {
    const template = job.commands.find(({ key }) => key === command)?.template;
    return template?.slots.length === 0 ? parseRequest(command, renderTemplate(template, [])) : undefined;
  };
  return present({ memoryMb: find('request_memory'), diskMb: find('request_disk') });
}
