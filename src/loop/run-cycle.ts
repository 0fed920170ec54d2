import { recordPass } from '#db/status/loop/passes.ts';
import { findPauses } from '#db/status/loop/pauses.ts';
import { BatchError } from '#model/errors.ts';
import { settleSite } from '#settle/settle-site.ts';
import { countOf } from '#util/count-of.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';

import { decideByQueue } from './back-pressure/decide-by-queue.ts';
import { readOrders } from './back-pressure/read-orders.ts';
import { runInOrder } from './back-pressure/run-in-order.ts';
import { checkDiscrepancies } from './check-discrepancies.ts';
import { putBadNodes } from './policy/put-bad-nodes.ts';
import { putDeadlineAlarms } from './put-deadline-alarms.ts';
import { runTurn } from './run-turn.ts';

import type { Say } from '#model/log.ts';
import type { Production } from '#model/production.ts';
import type { Discrepancies } from '#model/report/discrepancies.ts';
import type { PassRecord, QueueGauge, RulePause } from '#model/report/loop-status.ts';
import type { Settled } from '#settle/settle-site.ts';

import type { QueueLimits } from './back-pressure/decide-by-queue.ts';
import type { QueueMeter } from './back-pressure/queue-meter.ts';
import type { RuleBackoff } from './backoff.ts';
import type { LoopTurn, TurnPlace, TurnResult } from './run-turn.ts';
import type { TriggerRunner } from './trigger/trigger-runner.ts';

/** What a cycle works with. */
export interface CycleInput extends RuleInput {
  readonly turns: readonly LoopTurn[];
  readonly meter: QueueMeter;
  /** Runs triggered rules; absent: rules are not triggered. */
  readonly triggers?: TriggerRunner;
  /** Called when the site is settled, with what does not agree of attempts that have ended. */
  readonly onSettled: (settled: Settled, discrepancies: Discrepancies) => void;
}

/** What a rule is run with, in a cycle or because it was triggered. */
export interface RuleInput extends TurnPlace {
  readonly limits: QueueLimits;
  readonly backoff: RuleBackoff;
  /** When the next cycle would begin if this one ended now; ms since 1970. Absent: there is no next one. */
  readonly findNextMs: () => number | undefined;
  /** Aborted: the current rule is finished, and no other is started. */
  readonly stop: AbortSignal;
  readonly say: Say;
  /** Called when a rule is done. */
  readonly onTurn: (turn: TurnRecord) => Promise<void> | void;
}

/** A turn that has ended, and what is not recorded of it. */
export interface TurnRecord {
  readonly pass: PassRecord;
  readonly clusters: readonly number[];
  /** Why it failed, or could not be decided; absent if all is well, and if the rule only waits. */
  readonly error?: unknown;
}

/** The result of a cycle. */
export interface CycleResult {
  readonly turns: readonly TurnRecord[];
  /** Why the cycle was broken off; absent where it was not. */
  readonly error?: unknown;
  /** The queue is so full that the loop is to end. */
  readonly isEnd: boolean;
}

/**
 * Runs one cycle: settles the site once, then runs each rule, in the order of `runInOrder`. A rule that fails is recorded
 * and does not stop the others. If the site cannot be settled, the cycle ends: decisions could be wrong.
 */
export async function runCycle(input: CycleInput): Promise<CycleResult> {
  const { databases, say, meter, triggers } = input;
  const { status, catalog } = databases;
  const turns: TurnRecord[] = [];
  let isEnd = false;
  try {
    const settled = await settleSite({ ...input, status, catalog, say });
    input.onSettled(settled, await checkDiscrepancies(input, input.stop));
    await putDeadlineAlarms(status, input.site);
    await putBadNodes(status, input.site.nodes);
    const pauses = new Map((await findPauses(status)).map((pause) => [pause.rule, pause]));
    triggers?.beginCycle(input.turns);
    const submitted = new Map<LoopTurn, number>();
    await runInOrder(await readOrders(input.turns), {
      run: async (turn, part) => {
        await triggers?.runDue({ meter, part: 1 });
        if (input.stop.aborted) return false;
        const before = submitted.get(turn) ?? 0;
        const maxJobs = (turn.wish.maxJobs ?? Infinity) - before;
        if (maxJobs <= 0) return false;
        const asked = { ...turn, wish: { ...turn.wish, ...(maxJobs === Infinity ? {} : { maxJobs }) } };
        const ended = await runRule(input, asked, { pause: pauses.get(turn.rule), meter, part });
        turns.push(ended.record);
        submitted.set(turn, before + ended.record.pass.submitted);
        isEnd ||= ended.isEnd;
        await input.onTurn(ended.record);
        return ended.isCut;
      },
      hasRoom: async () => {
        const verdict = decideByQueue(await meter.find(), input.limits, input.site.limits);
        return verdict.kind === 'go';
      },
    });
    return { turns, isEnd };
  } catch (error) {
    input.log.error({ error }, 'cycle broken off');
    return { turns, error, isEnd };
  }
}

/** The result of a turn, whether it ran, waited or failed. */
interface EndedTurn extends TurnResult {
  readonly gauge?: QueueGauge;
  /** The rule does not run before; ms since 1970. */
  readonly untilMs?: number;
  readonly isEnd?: boolean;
  /** With more room in the queue, it would have submitted more. */
  readonly isCut?: boolean;
  readonly error?: unknown;
}

/** The circumstances in which a rule is run. */
export interface RuleContext {
  readonly pause?: RulePause | undefined;
  readonly meter: QueueMeter;
  /** The part of the room in the queue that it may use; above 0, up to 1. */
  readonly part: number;
}

/** A turn that was run, and what it says about the room in the queue. */
interface RunRule {
  readonly record: TurnRecord;
  readonly isEnd: boolean;
  readonly isCut: boolean;
}

/**
 * Runs a rule unless it has to wait, and records the result. Of triggered turns only those that submitted jobs or failed are
 * recorded: there may be some each second.
 */
export async function runRule(input: RuleInput, turn: LoopTurn, context: RuleContext): Promise<RunRule> {
  const startedAt = new Date().toISOString();
  let production: Production | undefined;
  const onProduction = (found: Production): void => {
    production = found;
  };
  const ended = await runUnlessWaiting(input, turn, context, onProduction).catch((error: unknown): EndedTurn => {
    input.log.error({ rule: turn.rule, error }, 'pass failed');
    const why = describeError(error);
    const untilMs = input.backoff.recordFailure(turn.rule, Date.now(), why);
    return { outcome: 'failed', reason: why, submitted: 0, clusters: [], untilMs, error };
  });
  const { outcome, reason, funnel, submitted, gauge, clusters, error } = ended;
  const runs = turn.triggered?.length;
  const facts = { rule: turn.rule, config: turn.config, startedAt, outcome, submitted, ...present({ runs }) };
  const pass = { ...facts, ...present({ reason, funnel, gauge, nextAt: nextAtOf(input, ended.untilMs) }) };
  // The result stands, even if it cannot be recorded.
  if (runs === undefined || submitted > 0 || outcome === 'failed') {
    await recordPass(input.databases.status, input.loop, pass, production).catch((failure: unknown) =>
      input.log.warn({ rule: turn.rule, error: failure }, 'pass not recorded'),
    );
  }
  input.log.info({ rule: turn.rule, outcome, submitted, ...present({ runs, reason, gauge }) }, 'pass');
  const record: TurnRecord = {
    ...{ pass: { ...pass, endedAt: new Date().toISOString() }, clusters },
    ...present({ error }),
  };
  return { record, isEnd: ended.isEnd === true, isCut: ended.isCut === true };
}

const waiting = { outcome: 'waited', submitted: 0, clusters: [] } as const;

async function runUnlessWaiting(
  input: RuleInput,
  turn: LoopTurn,
  { pause, meter, part }: RuleContext,
  onProduction: (production: Production) => void,
): Promise<EndedTurn> {
  if (pause !== undefined) return { ...waiting, reason: `${pause.by} paused it: ${pause.reason}` };
  const wait = input.backoff.findWait(turn.rule, Date.now());
  if (wait !== undefined) {
    const reason = `It failed ${countOf(wait.failures, 'time')} in a row: ${wait.reason}`;
    return { ...waiting, reason, untilMs: wait.untilMs };
  }
  const gauge = await meter.find().catch((error: unknown) => {
    if (error instanceof BatchError) return error;
    throw error;
  });
  if (gauge instanceof BatchError) return { ...waiting, reason: gauge.message, error: gauge };
  const verdict = decideByQueue(gauge, input.limits, input.site.limits);
  if (verdict.kind === 'wait') return { ...waiting, gauge, reason: verdict.reason, isEnd: verdict.isEnd };
  const room = Math.ceil(verdict.room * part);
  const result = await runTurn(input, turn, room, onProduction);
  meter.add(result.submitted);
  input.backoff.forget(turn.rule);
  return { ...result, gauge, isCut: result.submitted >= room && (result.funnel?.counts['over-limit'] ?? 0) > 0 };
}

/** Not before the next cycle. */
function nextAtOf({ findNextMs }: RuleInput, untilMs = 0): string | undefined {
  const nextMs = findNextMs();
  return nextMs === undefined ? undefined : new Date(Math.max(nextMs, untilMs)).toISOString();
}
