import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { pauseMsOf } from '#util/pause-ms.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database } from '#db/connect.ts';
import type { StageoutApplier } from '#ingest/stageout-applier.ts';
import type { Log } from '#model/log.ts';
import type { Repetition } from '#util/start-repeating.ts';

const dayMs = 24 * 3600 * 1000;

/** Applies what was left over at once, then every few seconds; ever more slowly while the catalog is away. */
export function startApplyWatch(options: {
  readonly applier: StageoutApplier;
  readonly log: Log;
  /** Time between two rounds; 3 s by default. */
  readonly everyMs?: number;
}): Repetition {
  const { applier, log } = options;
  const everyMs = options.everyMs ?? 3000;
  let failures = 0;
  return startRepeating(async () => {
    try {
      const { applied, isCatalogUp } = await applier.applyPending();
      if (applied > 0) log.info({ applied }, 'staged files registered late');
      failures = isCatalogUp ? 0 : failures + 1;
    } catch (error) {
      if (failures === 0) log.warn({ error }, 'staged files cannot be registered now');
      failures += 1;
    }
    return failures === 0 ? everyMs : pauseMsOf(failures, { firstMs: 2 * everyMs, mostMs: 60_000 });
  });
}

/** Makes the months' partitions of the events, at once and every day. */
export function startPartitionWatch(options: { readonly status: Database; readonly log: Log }): Repetition {
  return startRepeating(async () => {
    try {
      const made = await ensureEventPartitions(options.status);
      if (made.length > 0) options.log.info({ made }, 'partitions made');
      return dayMs;
    } catch (error) {
      options.log.warn({ error }, 'partitions of the events cannot be made now');
      return 60_000;
    }
  });
}
