import {
  countEarlierEnds,
  countRecentEnds,
  findMainCause,
  markBreakerClosed,
  putOpenBreaker,
} from '#db/status/policy/breakers.ts';

import { describeBreaker, isJump, isSuspicious } from './breaker-rates.ts';
import { putPauseWithAlarm } from './put-pause-with-alarm.ts';

import type { Database, Session } from '#db/connect.ts';
import type { BreakerSettings } from '#model/policy/breaker.ts';

/** What {@link applyBreaker} works with. */
export interface BreakerInput {
  readonly rule: string;
  readonly settings: BreakerSettings;
  /** Otherwise it is only reported. */
  readonly isActive: boolean;
  readonly status: Database;
  /** Called first in the transaction that pauses the rule: throws if the loop has lost the right to write. */
  readonly guard: (transaction: Session) => Promise<void>;
}

/** An open breaker. */
export interface BreakerOutcome {
  readonly reason: string;
  readonly isPaused: boolean;
  /** It was closed before. */
  readonly isNew: boolean;
}

/**
 * Opens the breaker of a rule if its failure rate has jumped, and closes one that only reports if it has not. An active one
 * pauses the rule, which a person resumes.
 *
 * @returns undefined: it is closed
 * @throws DatabaseError; SiteError if the lease is lost
 */
export async function applyBreaker(input: BreakerInput): Promise<BreakerOutcome | undefined> {
  const { rule, settings, isActive, status, guard } = input;
  const recent = await countRecentEnds(status, rule, settings.withinMs);
  const { countedFrom, isOpen } = recent;
  // A rule that does well costs one short look into an index.
  const earlier = isSuspicious(recent, settings)
    ? await countEarlierEnds(status, rule, { countedFrom, beforeMs: settings.beforeMs })
    : undefined;
  if (earlier === undefined || !isJump(recent, earlier, settings)) {
    if (isOpen) await markBreakerClosed(status, rule);
    return undefined;
  }
  const reason = describeBreaker(recent, earlier, await findMainCause(status, rule, countedFrom), settings);
  const record = (session: Database | Session): Promise<void> =>
    putOpenBreaker(session, { rule, isActive, reason, countedFrom });
  if (isActive) {
    const order = { rule, kind: 'breaker', reason: `too many failures: ${reason}`, by: 'policy' } as const;
    await putPauseWithAlarm(status, guard, order, record);
  } else await record(status);
  return { reason, isPaused: isActive, isNew: !isOpen };
}
