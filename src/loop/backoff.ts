/** A rule is tried again after an hour at the latest. */
const mostMs = 3_600_000;

/** A rule that failed in its last turns. */
export interface FailedRule {
  /** It may run again; ms since 1970. */
  readonly untilMs: number;
  /** In a row. */
  readonly failures: number;
  /** Why it failed the last time. */
  readonly reason: string;
}

/** Which rules of a loop failed, and when each is tried again. */
export interface RuleBackoff {
  /** Finds why and how long a rule has to wait; undefined if it may run now. */
  findWait(rule: string, nowMs: number): FailedRule | undefined;
  /** Records that a turn failed, and why. Returns when the rule may run again, in ms since 1970. */
  recordFailure(rule: string, nowMs: number, reason: string): number;
  /** Records that a turn did not fail. */
  forget(rule: string): void;
}

/**
 * Makes the record of failures of a loop. A rule that failed once runs again in the next cycle; each further failure
 * doubles the time.
 *
 * @param delayMs from one cycle to the next
 */
export function makeBackoff(delayMs: number): RuleBackoff {
  const failed = new Map<string, FailedRule>();
  return {
    findWait: (rule, nowMs) => {
      const found = failed.get(rule);
      return found === undefined || found.untilMs <= nowMs ? undefined : found;
    },
    recordFailure: (rule, nowMs, reason) => {
      const failures = (failed.get(rule)?.failures ?? 0) + 1;
      // The next cycle comes after `delayMs` in any case.
      const pauseMs = failures === 1 ? 0 : Math.min(delayMs * 2 ** (failures - 1), mostMs);
      const untilMs = nowMs + pauseMs;
      failed.set(rule, { failures, untilMs, reason });
      return untilMs;
    },
    forget: (rule) => {
      failed.delete(rule);
    },
  };
}
