import { pauseMsOf } from '#util/pause-ms.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Log } from '#model/log.ts';
import type { Reconciled } from '#model/report/reconciled.ts';
import type { Repetition } from '#util/start-repeating.ts';

/** The options of {@link startReconcileWatch}; a pass runs at once when `endings` has grown. */
export interface ReconcileWatchOptions {
  /** Grows whenever the batch system has something new. */
  readonly endings: () => number;
  readonly reconcile: () => Promise<Pick<Reconciled, 'waiting' | 'unknown'>>;
  readonly log: Log;
  /** Time between two looks; 5 s by default. */
  readonly everyMs?: number;
}

/** Reconciling takes at most this part of the time, however many attempts are open. */
const partOfTime = 0.02;

const mostPauseMs = 10 * 60_000;

/**
 * Reconciles what ended since the last time, so that a job that was killed without a report does not stay `started` until
 * the next `kaedama`: once at the start, then whenever the batch system has something new, and as long as something waits.
 */
export function startReconcileWatch({ endings, reconcile, log, everyMs = 5000 }: ReconcileWatchOptions): Repetition {
  let settled = -1;
  let failures = 0;
  return startRepeating(async () => {
    const seen = endings();
    if (seen === settled) return everyMs;
    const begin = performance.now();
    try {
      const { waiting, unknown } = await reconcile();
      if (waiting + unknown === 0) settled = seen;
      failures = 0;
    } catch (error) {
      if (failures === 0) log.warn({ error }, 'local jobs cannot be reconciled now');
      failures += 1;
    }
    const pauseMs = Math.max(everyMs, (performance.now() - begin) / partOfTime);
    return failures === 0
      ? Math.min(pauseMs, mostPauseMs)
      : pauseMsOf(failures, { firstMs: 2 * pauseMs, mostMs: mostPauseMs });
  });
}
