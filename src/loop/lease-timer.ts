import { ensureLeases, removeLeases } from '#db/status/loop/lease.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database } from '#db/connect.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { Log } from '#model/log.ts';

/** What keeps the leases of a loop; to be closed when the loop ends. */
export interface LeaseTimer {
  /** Ends the renewing, and gives all leases back. */
  close(): Promise<void>;
}

/**
 * Renews the leases of a loop three times in the time that they last. While the database is away nobody can take them
 * either; if one is taken all the same, because this process stood still, its fence stops what the process still writes.
 */
export function startLeaseTimer(status: Database, loop: LoopIdentity, lastsMs: number, log: Log): LeaseTimer {
  const renewing = startRepeating(async () => {
    await ensureLeases(status, loop, lastsMs).catch((error: unknown) => log.warn({ error }, 'leases are not renewed'));
    return lastsMs / 3;
  });
  return {
    close: async () => {
      await renewing.stop();
      await removeLeases(status, loop).catch((error: unknown) =>
        log.warn({ error }, 'leases remain until they expire'),
      );
    },
  };
}
