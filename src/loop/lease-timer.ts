import { ensureLeases, removeLeases } from '#db/status/loop/lease.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database } from '#db/connect.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { Log } from '#model/log.ts';

/** Renews the leases of a loop until it is closed. */
export interface LeaseTimer {
  /** Stops the renewal, and gives all leases back. */
  close(): Promise<void>;
}

/**
 * Starts to renew the leases of a loop, three times in each lease period. If the database is unavailable, other loops
 * cannot take them either. If one is taken because this process was suspended, the fence refuses its later writes.
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
