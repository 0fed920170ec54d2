import { markAlarmCleared, raiseAlarm } from '#db/status/alarm/alarms.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { Repetition } from '#util/start-repeating.ts';

/** What {@link startHealthWatch} works with. */
export interface HealthWatchInput {
  readonly status: Database;
  /** Names the gateway in the cause of its alarm: several can serve one status database. */
  readonly host: string;
  /** What is wrong with it now, a sentence each. */
  readonly findFaults: () => Promise<readonly string[]>;
  readonly log: Log;
  readonly everyMs?: number;
}

/** Files and events may wait for a moment; a fault that lasts for so many checks needs a person. */
const lastingChecks = 3;

/** Raises an alarm while the gateway is degraded, and clears it when that is over. A database that is away stops nothing. */
export function startHealthWatch({ status, host, findFaults, log, everyMs = 30_000 }: HealthWatchInput): Repetition {
  const cause = `gateway:${host}`;
  let checks = 0;
  return startRepeating(async () => {
    try {
      const faults = await findFaults();
      checks = faults.length === 0 ? 0 : checks + 1;
      if (checks === 0) await markAlarmCleared(status, cause);
      if (checks < lastingChecks) return everyMs;
      await raiseAlarm(status, {
        ...{ cause, what: `The gateway on '${host}' is degraded: ${faults.join('; ')}` },
        advice: "See 'slurp status' and the log of 'slurp serve'",
      });
    } catch (error) {
      log.warn({ error }, 'the alarm of the gateway cannot be recorded now');
    }
    return everyMs;
  });
}
