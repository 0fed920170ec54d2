import { setTimeout as sleep } from 'node:timers/promises';

import { triggerChannel } from '#db/status/trigger/put-triggered-runs-sql.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database, OpenSession } from '#db/connect.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { Log } from '#model/log.ts';

/** Wakes a loop when one of its rules is triggered. */
export interface TriggerWatch {
  /** Waits until a rule may have been triggered since the last call, or the time is over, or `stop` is aborted. */
  wait(mostMs: number, stop: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Pause before a lost connection is opened again. */
const againMs = 2000;

/**
 * Listens for the notifications of triggers. They only save time: the loop also reads the table at intervals, because a
 * connection can be lost, and some connection poolers do not forward notifications.
 */
export function startTriggerWatch(status: Database, loop: LoopIdentity, log: Log): TriggerWatch {
  let isWoken = false;
  let wake = (): void => undefined;
  let session: OpenSession | undefined;
  const notify = (): void => {
    isWoken = true;
    wake();
  };
  const opening = startRepeating(async () => {
    if (session !== undefined) return againMs;
    try {
      const opened = await status.openSession();
      session = opened;
      opened.onLost(() => {
        session = undefined;
        void opened.close();
        log.warn({}, 'connection for triggers lost; opening it again');
      });
      await opened.listen(triggerChannel, (payload) => {
        if (payload === loop.uuid) notify();
      });
      // There is no notification of files that were registered before this.
      notify();
    } catch (error) {
      log.warn({ error }, 'no notifications of triggers');
      await session?.close();
      session = undefined;
    }
    return againMs;
  });
  return {
    wait: async (mostMs, stop) => {
      if (!isWoken) {
        const woken = new AbortController();
        wake = () => woken.abort();
        await sleep(mostMs, undefined, { signal: AbortSignal.any([stop, woken.signal]) }).catch(() => undefined);
        wake = () => undefined;
      }
      isWoken = false;
    },
    close: async () => {
      await opening.stop();
      await session?.close();
    },
  };
}
