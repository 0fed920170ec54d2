import { markAlarmCleared, raiseAlarm } from '#db/status/alarm/alarms.ts';
import { putRuleDeadlines } from '#db/status/alarm/put-rule-deadlines.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { adoptCursor } from '#db/status/cursor/move-cursor.ts';
import { countOpenAttempts } from '#db/status/loop/count-open-attempts.ts';
import { countScouts } from '#db/status/loop/count-scouts.ts';
import { assertLease, claimLease } from '#db/status/loop/lease.ts';
import { removeTriggeredRuns } from '#db/status/trigger/remove-triggered-runs.ts';
import { makePhaseClock } from '#dispatch/phase-clock.ts';
import { UsageError } from '#model/errors.ts';
import { isDumpRule, prepareSelectedRule, readSelectedRule, withCursor } from '#pass/read-selected-rule.ts';
import { runPass } from '#pass/run-pass.ts';

import { decideByDisk } from './back-pressure/decide-by-disk.ts';
import { decideByRule } from './back-pressure/decide-by-rule.ts';
import { decideByScouts } from './back-pressure/decide-by-scouts.ts';
import { applyPolicies } from './policy/apply-policies.ts';
import { applyScoutMemory } from './policy/apply-scout-memory.ts';
import { prepareScope } from './trigger/prepare-scope.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { TriggeredRun } from '#db/status/trigger/find-triggered-runs.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { Log } from '#model/log.ts';
import type { Production } from '#model/production.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { PassResult } from '#model/report/loop-status.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { PassListener, PassWish } from '#pass/run-pass.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { PressureVerdict } from './back-pressure/pressure-verdict.ts';
import type { ShortWay } from './steady/short-way.ts';
import type { QueryCache } from './trigger/query-cache.ts';

/** A rule that a loop runs in each cycle, with its options. */
export interface LoopTurn {
  readonly rule: string;
  /** Absolute path of the rule file, which is read again in each cycle. */
  readonly config: string;
  readonly options: RunOptions;
  readonly wish: PassWish;
  /** `--yes`: what exists may be replaced. */
  readonly isYes: boolean;
  /** The turn decides these runs alone: files of them were registered. */
  readonly triggered?: readonly TriggeredRun[];
}

/** What the turns of a loop work with. The caller opens and closes it. */
export interface TurnPlace {
  readonly loop: LoopIdentity;
  readonly site: Site;
  readonly databases: Readonly<Record<RoleName, Database>>;
  readonly backend: BatchBackend;
  /** Absolute path of `dist/worker`. */
  readonly workerDirectory: string;
  /** How long a lease lasts unless it is renewed. */
  readonly leaseMs: number;
  readonly log: Log;
  /** What the rules read; absent: rules are not triggered, because the loop has one cycle only. */
  readonly queries?: QueryCache;
  /** Leaves out passes that would find nothing new; absent: there are none to come. */
  readonly shortWay?: ShortWay;
  /** Called with what the operator should know of a rule, a sentence each; in each cycle again. */
  readonly onWarning: (rule: string, sentence: string) => void;
}

/** The result of a turn. */
export interface TurnResult {
  readonly outcome: PassResult;
  readonly reason?: string;
  readonly funnel?: Funnel;
  readonly submitted: number;
  readonly clusters: readonly number[];
}

/**
 * Runs a rule once, if this loop holds the lease of its production or can get it.
 *
 * @param room the number of jobs that the queue can take
 * @param onProduction called with the production as soon as it is known
 * @throws RuleError, SiteError, DatabaseError, BatchError, GatewayError
 */
export async function runTurn(
  place: TurnPlace,
  turn: LoopTurn,
  room: number,
  onProduction: (production: Production) => void,
): Promise<TurnResult> {
  const { site, databases, loop, log } = place;
  const { status } = databases;
  const selected = await readSelectedRule(turn.config, turn.rule);
  if (isDumpRule(selected)) {
    const reason = "'params.dump' is true: 'kaedama' writes its jobs to a file, and nothing is submitted";
    return { outcome: 'waited', reason, submitted: 0, clusters: [] };
  }
  const isTestbed = site.mode === 'testbed' || turn.options.isTestbed;
  const ready = prepareSelectedRule(selected, { ...turn.options, isTestbed, now: new Date().toISOString() });
  const { production } = ready.prepared.names;
  onProduction(production);
  const answer = await claimLease(status, { production, rule: turn.rule }, loop, place.leaseMs);
  if (answer.kind === 'held') {
    const seconds = Math.ceil(answer.leftMs / 1000);
    const reason = `The loop of ${answer.by} (process ${answer.process}) runs it; its lease ends in ${seconds} s unless it is renewed`;
    return { outcome: 'elsewhere', reason, submitted: 0, clusters: [] };
  }
  const { lease } = answer;
  if (turn.triggered === undefined) await putRuleDeadlines(status, turn.rule, ready.prepared.rule.deadlines ?? {});
  const whole = await withCursor(ready, async (key) => {
    await adoptCursor(status, key);
    return findCursor(status, key);
  });
  const scope = await prepareScope({ status, loop, queries: place.queries }, turn, whole);
  if (scope.ready === undefined) {
    await removeTriggeredRuns(status, loop, scope.answered);
    return { outcome: 'dispatched', submitted: 0, clusters: [] };
  }
  const { prepared } = scope.ready;
  const guard = (session: Session): Promise<void> => assertLease(session, lease);
  // Failed jobs are not what a registered file is about; it comes up to twice a second.
  const paused =
    turn.triggered === undefined
      ? await applyPolicies({
          ...{ prepared, policy: prepared.rule.retry ?? site.retry, status, backend: place.backend, log, guard },
          onWarning: (sentence) => reportWarning(place, turn.rule, sentence),
        })
      : undefined;
  if (paused !== undefined) {
    reportWarning(place, turn.rule, `It is paused: ${paused}`);
    return { outcome: 'waited', reason: `Paused by the retry policy: ${paused}`, submitted: 0, clusters: [] };
  }
  // After the policy, which removes held jobs and may redo a scout that failed.
  const verdict = await decideByItself(place, prepared);
  if (verdict.kind === 'wait') return { outcome: 'waited', reason: verdict.reason, submitted: 0, clusters: [] };
  const byScouts = await decideByFirstJobs(status, prepared);
  if (byScouts.kind === 'wait') return { outcome: 'waited', reason: byScouts.reason, submitted: 0, clusters: [] };
  if (byScouts.room === Infinity) await applyScoutMemory(status, prepared, guard);
  // A trigger is known before the counters of the server show its file.
  const isTriggered = scope.answered.length > 0;
  const short =
    turn.triggered === undefined ? await place.shortWay?.check({ prepared, wish: turn.wish, isTriggered }) : undefined;
  if (short?.missed !== undefined) reportWarning(place, turn.rule, short.missed);
  if (short?.funnel !== undefined) {
    return { outcome: 'unchanged', funnel: short.funnel, submitted: 0, clusters: [] };
  }
  const clock = makePhaseClock();
  const outcome = await runPass({
    ...{ prepared, site, databases, backend: place.backend, workerDirectory: place.workerDirectory, log },
    wish: { ...turn.wish, maxJobs: Math.min(turn.wish.maxJobs ?? Infinity, room, verdict.room, byScouts.room) },
    isExpectingJobs: turn.triggered !== undefined || isTriggered,
    listener: makeListener(turn, place),
    guard,
    progress: { update: () => undefined, phase: () => undefined, close: () => undefined },
    clock,
    // The current rule is finished even if the loop was asked to stop.
    signal: new AbortController().signal,
  });
  if (outcome.kind === 'declined') throw new Error('A pass was declined without a question');
  log.info({ rule: turn.rule, ms: clock.times() }, 'steps of a pass');
  await removeTriggeredRuns(status, loop, scope.answered);
  const { applied, funnel } = outcome;
  short?.confirm(funnel, applied.submitted);
  for (const note of applied.notes) reportWarning(place, turn.rule, note);
  return {
    ...{ outcome: 'dispatched', funnel, submitted: applied.submitted },
    clusters: applied.submissions.map(({ cluster }) => cluster),
  };
}

/** Decides by what concerns this rule alone: its jobs in the queue, and its output directory. */
async function decideByItself({ site, databases }: TurnPlace, prepared: PreparedRule): Promise<PressureVerdict> {
  const { name, order } = prepared.rule;
  const isCapped = order.maxQueued !== undefined || order.maxIdle !== undefined;
  const byRule = isCapped
    ? decideByRule(await countOpenAttempts(databases.status, name), order)
    : ({ kind: 'go', room: Infinity } as const);
  if (byRule.kind === 'wait') return byRule;
  const byDisk = await decideByDisk(prepared, site.limits.freeBytes);
  await recordDisk(databases.status, name, byDisk);
  return byDisk.kind === 'wait' ? byDisk : byRule;
}

async function recordDisk(status: Database, rule: string, verdict: PressureVerdict): Promise<void> {
  const cause = `disk:${rule}`;
  if (verdict.kind === 'go') await markAlarmCleared(status, cause);
  else {
    const advice = "Make room, or change 'limits.free_space_gb' of the site; the loop then continues";
    await raiseAlarm(status, { cause, rule, what: `Rule '${rule}' waits: ${verdict.reason}`, advice });
  }
}

async function decideByFirstJobs(status: Database, { rule, names, options }: PreparedRule): Promise<PressureVerdict> {
  const { scouts } = rule.order;
  if (scouts === undefined) return { kind: 'go', room: Infinity };
  const { production } = names;
  return decideByScouts(await countScouts(status, { production, unblockStates: options.unblock, scouts }), scouts);
}

function reportWarning({ log, onWarning }: TurnPlace, rule: string, sentence: string): void {
  log.warn({ rule }, sentence);
  onWarning(rule, sentence);
}

/** A loop cannot ask: it refuses what was not allowed beforehand. */
function makeListener({ rule, isYes }: LoopTurn, place: TurnPlace): PassListener {
  return {
    onHeld: ({ jobs, unread }) => {
      place.log.info({ rule, jobs: jobs.length }, 'held jobs');
      for (const reason of unread) reportWarning(place, rule, `Not all held jobs may be known: ${reason}`);
    },
    onPlanned: ({ warnings }) => {
      for (const { kind, message } of warnings) {
        // Inputs that have not arrived yet are the normal case in a loop.
        if (kind === 'missing-inputs') place.log.info({ rule }, message);
        else reportWarning(place, rule, message);
      }
      return Promise.resolve();
    },
    mayReplace: () => {
      if (isYes) return Promise.resolve(true);
      throw new UsageError("Not dispatched: '--resubmit' replaces existing files, and a loop cannot ask", {
        code: 'usage-resubmit',
        advice: "Add '--yes' to allow it",
      });
    },
    mayGoOn: (doubts) => {
      for (const doubt of doubts) reportWarning(place, rule, doubt);
      return Promise.resolve(true);
    },
    onBegin: () => undefined,
    onApplied: () => undefined,
  };
}
