/** A rule is tried again after an hour at the latest. */
const mostMs = 3_600_000;

/** Which rules of a loop failed, and when each is tried again. */
export interface RuleBackoff {
  /** Finds when a rule may run again (ms since 1970), and how often it failed in a row; undefined if it may run now. */
  findWait(rule: string, nowMs: number): { readonly untilMs: number; readonly failures: number } | undefined;
  /** Records that a turn failed. Returns when the rule may run again. */
  recordFailure(rule: string, nowMs: number): number;
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
  const failed = new Map<string, { readonly failures: number; readonly untilMs: number }>();
  return {
    findWait: (rule, nowMs) => {
      const found = failed.get(rule);
      return found === undefined || found.untilMs <= nowMs ? undefined : found;
    },
    recordFailure: (rule, nowMs) => {
      const failures = (failed.get(rule)?.failures ?? 0) + 1;
      // The next cycle comes after `delayMs` in any case.
      const pauseMs = failures === 1 ? 0 : Math.min(delayMs * 2 ** (failures - 1), mostMs);
      const untilMs = nowMs + pauseMs;
      failed.set(rule, { failures, untilMs });
      return untilMs;
    },
    forget: (rule) => {
      failed.delete(rule);
    },
  };
}
