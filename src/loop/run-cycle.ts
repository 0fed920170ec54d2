import { recordPass } from '#db/status/loop/passes.ts';
import { findPauses } from '#db/status/loop/pauses.ts';
import { settleSite } from '#settle/settle-site.ts';
import { countOf } from '#util/count-of.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';

import { decideByQueue } from './decide-by-queue.ts';
import { findQueueGauge } from './find-queue-gauge.ts';
import { runTurn } from './run-turn.ts';

import type { BatchAnswer } from '#batch/backend.ts';
import type { Say } from '#model/log.ts';
import type { Production } from '#model/production.ts';
import type { PassRecord, QueueGauge, RulePause } from '#model/report/loop-status.ts';
import type { Settled } from '#settle/settle-site.ts';

import type { RuleBackoff } from './backoff.ts';
import type { QueueLimits } from './decide-by-queue.ts';
import type { LoopTurn, TurnPlace, TurnResult } from './run-turn.ts';

/** What a cycle works with. */
export interface CycleInput extends TurnPlace {
  readonly turns: readonly LoopTurn[];
  readonly limits: QueueLimits;
  readonly backoff: RuleBackoff;
  /** When the next cycle begins, if this one ended now; ms since 1970. Absent: there is none. */
  readonly findNextMs: () => number | undefined;
  /** Aborted: the rule that is under way is finished, no other is begun. */
  readonly stop: AbortSignal;
  readonly say: Say;
  /** Hears of each turn when it has ended. */
  readonly onTurn: (turn: TurnRecord) => Promise<void> | void;
  /** Hears what settling found. */
  readonly onSettled: (settled: Settled) => void;
}

/** A turn that has ended, and what is not recorded of it. */
export interface TurnRecord {
  readonly pass: PassRecord;
  readonly clusters: readonly number[];
  /** What broke it off. */
  readonly error?: unknown;
}

/** What came of a cycle. */
export interface CycleResult {
  readonly turns: readonly TurnRecord[];
  /** Why no rule could be run at all. */
  readonly error?: unknown;
  /** The queue is so full that the loop is to end. */
  readonly isEnd: boolean;
}

/** For so long a measurement of the queue is good for the next rules. */
const gaugeLastsMs = 10_000;

/**
 * Runs one cycle: settles once for the site, then each rule in turn. A rule that fails is recorded and stops no other; a
 * site that cannot be settled stops the cycle, since a decision would be made on what may be wrong.
 */
export async function runCycle(input: CycleInput): Promise<CycleResult> {
  const { databases, say } = input;
  const { status, catalog } = databases;
  const turns: TurnRecord[] = [];
  try {
    input.onSettled(await settleSite({ ...input, status, catalog, say }));
    const pauses = new Map((await findPauses(status)).map((pause) => [pause.rule, pause]));
    const gauge = makeGauge(input);
    for (const turn of input.turns) {
      if (input.stop.aborted) break;
      const { record, full } = await runRule(input, turn, { pause: pauses.get(turn.rule), gauge });
      turns.push(record);
      await input.onTurn(record);
      if (full !== undefined) return { turns, isEnd: full === 'exit' };
    }
    return { turns, isEnd: false };
  } catch (error) {
    input.log.error({ error }, 'cycle broken off');
    return { turns, error, isEnd: false };
  }
}

interface Gauge {
  find(): Promise<BatchAnswer<QueueGauge>>;
  /** Jobs were added since it was measured. */
  add(jobs: number): void;
}

function makeGauge({ databases: { status }, backend }: CycleInput): Gauge {
  let last: { readonly answer: BatchAnswer<QueueGauge>; readonly at: number } | undefined;
  return {
    find: async () => {
      if (last === undefined || performance.now() - last.at > gaugeLastsMs) {
        last = { answer: await findQueueGauge(status, backend), at: performance.now() };
      }
      return last.answer;
    },
    add: (jobs) => {
      if (last?.answer.kind !== 'answer') return;
      const { value } = last.answer;
      last = {
        ...last,
        answer: { kind: 'answer', value: { ...value, jobs: value.jobs + jobs, idle: value.idle + jobs } },
      };
    },
  };
}

/** What came of a turn that did not fail; `full`: the queue has no room for any rule. */
interface Ended extends TurnResult {
  readonly gauge?: QueueGauge;
  /** The rule does not run before; ms since 1970. */
  readonly untilMs?: number;
  readonly full?: 'cycle' | 'exit';
  readonly error?: unknown;
}

interface Circumstances {
  readonly pause: RulePause | undefined;
  readonly gauge: Gauge;
}

/** Runs a rule, or finds out why not, and records it. */
async function runRule(input: CycleInput, turn: LoopTurn, around: Circumstances) {
  const startedAt = new Date().toISOString();
  let production: Production | undefined;
  const onProduction = (found: Production): void => {
    production = found;
  };
  const ended = await runIfAllowed(input, turn, around, onProduction).catch((error: unknown): Ended => {
    input.log.error({ rule: turn.rule, error }, 'pass failed');
    const untilMs = input.backoff.recordFailure(turn.rule, Date.now());
    return { outcome: 'failed', reason: describeError(error), submitted: 0, clusters: [], untilMs, error };
  });
  const { outcome, reason, funnel, submitted, gauge } = ended;
  const facts = { rule: turn.rule, config: turn.config, startedAt, outcome, submitted };
  const pass = { ...facts, ...present({ reason, funnel, gauge, nextAt: nextAtOf(input, ended.untilMs) }) };
  // What came of it is no less true if it cannot be written down.
  await recordPass(input.databases.status, input.loop, pass, production).catch((error: unknown) =>
    input.log.warn({ rule: turn.rule, error }, 'pass not recorded'),
  );
  input.log.info({ rule: turn.rule, outcome, submitted, ...present({ reason, gauge }) }, 'pass');
  const record: TurnRecord = {
    pass: { ...pass, endedAt: new Date().toISOString() },
    ...{ clusters: ended.clusters, ...present({ error: ended.error }) },
  };
  return { record, full: ended.full };
}

async function runIfAllowed(
  input: CycleInput,
  turn: LoopTurn,
  { pause, gauge }: Circumstances,
  onProduction: (production: Production) => void,
): Promise<Ended> {
  const waited = { outcome: 'waited', submitted: 0, clusters: [] } as const;
  if (pause !== undefined) return { ...waited, reason: `${pause.by} paused it: ${pause.reason}` };
  const wait = input.backoff.findWait(turn.rule, Date.now());
  if (wait !== undefined) {
    return { ...waited, reason: `It failed ${countOf(wait.failures, 'time')} in a row`, untilMs: wait.untilMs };
  }
  const answer = await gauge.find();
  const verdict = decideByQueue(answer, input.limits);
  const measured = present({ gauge: answer.kind === 'answer' ? answer.value : undefined });
  if (verdict.kind === 'wait') return { ...waited, ...measured, reason: verdict.reason };
  if (verdict.kind === 'full') {
    return { ...waited, ...measured, reason: verdict.reason, full: verdict.isEnd ? 'exit' : 'cycle' };
  }
  const result = await runTurn(input, turn, verdict.room, onProduction);
  gauge.add(result.submitted);
  input.backoff.forget(turn.rule);
  return { ...result, ...measured };
}

/** No sooner than the next cycle. */
function nextAtOf({ findNextMs }: CycleInput, untilMs = 0): string | undefined {
  const nextMs = findNextMs();
  return nextMs === undefined ? undefined : new Date(Math.max(nextMs, untilMs)).toISOString();
}
