import { removeOldAlarms } from '#db/status/alarm/alarms.ts';
import { startRepeating } from '#util/start-repeating.ts';

import { deliverNotifications } from './deliver-notifications.ts';

import type { Repetition } from '#util/start-repeating.ts';

import type { DeliverInput } from './deliver-notifications.ts';

const keptDays = 90;
const dayMs = 24 * 3_600_000;

/**
 * Delivers notifications every few seconds until it is stopped. A notifier or a database that fails is logged, and stops
 * nothing.
 *
 * @param everyMs 5 s by default
 */
export function startNotifyWatch(input: Omit<DeliverInput, 'stop'>, everyMs = 5000): Repetition {
  const stopping = new AbortController();
  let hasFailed = false;
  let cleanedAt = 0;
  const repetition = startRepeating(async () => {
    try {
      await deliverNotifications({ ...input, stop: stopping.signal });
      if (Date.now() - cleanedAt > dayMs) {
        cleanedAt = Date.now();
        await removeOldAlarms(input.status, keptDays);
      }
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) input.log.warn({ error }, 'notifications cannot be delivered now');
      hasFailed = true;
    }
    return everyMs;
  });
  return {
    stop: () => {
      stopping.abort();
      return repetition.stop();
    },
  };
}
