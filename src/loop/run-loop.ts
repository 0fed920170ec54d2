import { markFormerRulesCleared } from '#db/status/alarm/alarms.ts';
import { removeLeases } from '#db/status/loop/lease.ts';
import { removeOldPasses } from '#db/status/loop/passes.ts';
import { removeRuleInputs } from '#db/status/trigger/remove-rule-inputs.ts';
import { startNotifyWatch } from '#notify/start-notify-watch.ts';
import { present } from '#util/present.ts';

import { makeQueueMeter } from './back-pressure/queue-meter.ts';
import { makeBackoff } from './backoff.ts';
import { startLeaseTimer } from './lease-timer.ts';
import { runCycle } from './run-cycle.ts';
import { makeShortWay } from './steady/short-way.ts';
import { makeQueryCache } from './trigger/query-cache.ts';
import { makeTriggerRunner } from './trigger/trigger-runner.ts';
import { startTriggerWatch } from './trigger/trigger-watch.ts';

import type { CycleInput, CycleResult } from './run-cycle.ts';
import type { LoopTurn } from './run-turn.ts';

/** What a loop works with. */
export interface LoopInput extends Omit<
  CycleInput,
  'turns' | 'backoff' | 'findNextMs' | 'meter' | 'triggers' | 'queries' | 'shortWay'
> {
  /** Reads which rules to run, at the beginning of each cycle. It reports problems of the list itself. */
  readonly readTurns: () => Promise<readonly LoopTurn[]>;
  /** From the end of a cycle to the beginning of the next; absent: one cycle. */
  readonly delayMs?: number;
  /** How often each rule decides all runs even if nothing seems to have changed; by default 30 minutes. */
  readonly proofMs?: number;
  /** Called when a cycle begins, with its number from 1. */
  readonly onBegin: (cycle: number) => void;
  /** Called when a cycle has ended, with the time of the next one (ms since 1970). */
  readonly onCycle: (result: CycleResult, nextMs: number | undefined) => Promise<void> | void;
}

/** How long records of passes are kept. */
const passesKeptDays = 30;

const usualProofMs = 30 * 60_000;

/**
 * Runs cycles until it is stopped. A failure in one cycle does not prevent the next.
 *
 * @returns the last cycle
 * @throws what the first `readTurns` throws
 * @see docs/commands/ramenya.md
 */
export async function runLoop(input: LoopInput): Promise<CycleResult> {
  const { delayMs, stop, databases, loop, log, backend } = input;
  const leases = startLeaseTimer(databases.status, loop, input.leaseMs, log);
  const notifying = startNotifyWatch({ site: input.site, status: databases.status, log });
  const backoff = makeBackoff(delayMs ?? 0);
  const findNextMs = (): number | undefined => (delayMs === undefined ? undefined : Date.now() + delayMs);
  const meter = makeQueueMeter(databases.status, backend);
  const place = { ...input, backoff, findNextMs, ...(delayMs === undefined ? {} : makeMemory(input)) };
  const watch = delayMs === undefined ? undefined : startTriggerWatch(databases.status, loop, log);
  const triggers = watch === undefined ? undefined : makeTriggerRunner(place, watch);
  try {
    for (let cycle = 1; ; cycle += 1) {
      const turns = await input.readTurns();
      input.onBegin(cycle);
      const result = await runCycle({ ...place, turns, meter, ...present({ triggers }) });
      await removeOldPasses(databases.status, passesKeptDays).catch((error: unknown) =>
        log.warn({ error }, 'old passes remain'),
      );
      const names = turns.map(({ rule }) => rule);
      await removeLeases(databases.status, loop, names)
        .then(() => removeRuleInputs(databases.status, loop, names))
        .then(() => markFormerRulesCleared(databases.status, 'disk'))
        .then(() => markFormerRulesCleared(databases.status, 'given-up'))
        .catch((error: unknown) => log.warn({ error }, 'leases of former rules remain'));
      const nextMs = stop.aborted || result.isEnd ? undefined : findNextMs();
      await input.onCycle(result, nextMs);
      if (nextMs === undefined) return result;
      await triggers?.runUntil(nextMs, { meter, part: 1 });
      if (stop.aborted) return result;
    }
  } finally {
    await watch?.close();
    await removeRuleInputs(databases.status, loop).catch((error: unknown) =>
      log.warn({ error }, 'triggers remain until another loop removes them'),
    );
    await notifying.stop();
    await leases.close();
  }
}

/** What only a loop of several cycles uses. */
function makeMemory({ databases, log, proofMs = usualProofMs }: LoopInput) {
  const queries = makeQueryCache();
  return { queries, shortWay: makeShortWay({ databases, queries, proofMs, log }) };
}
