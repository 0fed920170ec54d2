import { setTimeout as sleep } from 'node:timers/promises';

import { findPauses } from '#db/status/loop/pauses.ts';
import { findTriggeredRuns } from '#db/status/trigger/find-triggered-runs.ts';

import { runRule } from '../run-cycle.ts';

import type { TriggeredRun } from '#db/status/trigger/find-triggered-runs.ts';

import type { RuleContext, RuleInput } from '../run-cycle.ts';
import type { LoopTurn } from '../run-turn.ts';
import type { TriggerWatch } from './trigger-watch.ts';

/** Runs rules of a loop for the runs of which files were registered. */
export interface TriggerRunner {
  /** Sets the rules of the cycle that begins, which may all be triggered. */
  beginCycle(turns: readonly LoopTurn[]): void;
  /** Runs what is triggered now. */
  runDue(context: RuleContext): Promise<void>;
  /** Waits, and runs what is triggered meanwhile. @param untilMs since 1970 */
  runUntil(untilMs: number, context: RuleContext): Promise<void>;
}

/** Time from the beginning of one look to the next: jobs of several files are submitted together. */
const apartMs = 500;

/** The table is looked at so often, even if there is no notification. */
const everyMs = 10_000;

/** Runs that one pass decides; the others come next. */
const mostRuns = 1000;

/** Makes the runner of a loop. */
export function makeTriggerRunner(input: RuleInput, watch: TriggerWatch): TriggerRunner {
  const { databases, loop, log, stop } = input;
  let turns: readonly LoopTurn[] = [];
  // A rule that had to wait, or failed, is left to the next cycle.
  let deferred = new Set<string>();

  async function runOnce(context: RuleContext): Promise<void> {
    const open = turns.filter(({ rule }) => !deferred.has(rule));
    const found = await findTriggeredRuns(
      databases.status,
      loop,
      open.map(({ rule }) => rule),
      mostRuns,
    );
    if (found.length === 0) return;
    const pauses = new Map((await findPauses(databases.status)).map((pause) => [pause.rule, pause]));
    for (const turn of open) {
      const triggered = found.filter(({ rule }) => rule === turn.rule);
      if (triggered.length === 0) continue;
      if (stop.aborted) return;
      const { record } = await runRule(input, withTriggers(turn, triggered), {
        ...context,
        pause: pauses.get(turn.rule),
      });
      if (record.pass.outcome !== 'dispatched') deferred.add(turn.rule);
      if (record.pass.submitted > 0 || record.pass.outcome === 'failed') await input.onTurn(record);
    }
  }

  async function runDue(context: RuleContext): Promise<void> {
    try {
      await runOnce(context);
    } catch (error) {
      log.warn({ error }, 'triggered rules not run');
    }
  }

  return {
    beginCycle: (next) => {
      turns = next;
      deferred = new Set();
    },
    runDue,
    runUntil: async (untilMs, context) => {
      for (;;) {
        const beganMs = Date.now();
        await runDue(context);
        const apart = Math.min(beganMs + apartMs, untilMs) - Date.now();
        if (apart > 0) await sleep(apart, undefined, { signal: stop }).catch(() => undefined);
        const leftMs = untilMs - Date.now();
        if (leftMs <= 0 || stop.aborted) return;
        await watch.wait(Math.min(leftMs, everyMs), stop);
        if (stop.aborted || Date.now() >= untilMs) return;
      }
    },
  };
}

/** The turn for these runs alone: it moves no cursor, since it says nothing about other runs. */
function withTriggers(turn: LoopTurn, triggered: readonly TriggeredRun[]): LoopTurn {
  const { cursor: _cursor, ...wish } = turn.wish;
  return { ...turn, triggered, wish: { ...wish, isMarkingHeld: false, isClearingHeld: false } };
}
