import { removeOldSigns } from '#db/status/sign/remove-old-signs.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { Repetition } from '#util/start-repeating.ts';

const hourMs = 3600 * 1000;

/** Removes the signs of life of attempts that have ended, at once and every hour. */
export function startSignWatch({ status, log }: { readonly status: Database; readonly log: Log }): Repetition {
  return startRepeating(async () => {
    try {
      await removeOldSigns(status);
    } catch (error) {
      log.warn({ error }, 'signs of life of ended attempts cannot be removed now');
    }
    return hourMs;
  });
}
