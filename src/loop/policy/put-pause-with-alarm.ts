import { raiseAlarm } from '#db/status/alarm/alarms.ts';
import { putPause } from '#db/status/loop/pauses.ts';

import type { Database, Session } from '#db/connect.ts';

/** A pause that a loop decides. */
export interface PauseOrder {
  readonly rule: string;
  /** Kind of the alarm. `ramenya resume` clears both. */
  readonly kind: 'paused' | 'breaker';
  /** A sentence without full stop. */
  readonly reason: string;
  readonly by: string;
}

/**
 * Pauses a rule and raises an alarm about it, in one transaction.
 *
 * @param guard throws if the loop has lost the right to write
 * @param record what else belongs to it
 * @throws DatabaseError; SiteError if the lease is lost
 */
export async function putPauseWithAlarm(
  status: Database,
  guard: (session: Session) => Promise<void>,
  { rule, kind, reason, by }: PauseOrder,
  record: (session: Session) => Promise<void>,
): Promise<void> {
  await status.transaction(async (session) => {
    await guard(session);
    await putPause(session, { rule, reason, by });
    await record(session);
    await raiseAlarm(session, {
      ...{ cause: `${kind}:${rule}`, rule, what: `Rule '${rule}' is paused by ${reason}` },
      advice: `Fix the cause, then call 'ramenya resume ${rule}'`,
    });
  });
}
