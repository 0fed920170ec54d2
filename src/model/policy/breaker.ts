/** When the breaker of a rule opens: all of it must hold. */
export interface BreakerSettings {
  /** Attempts that ended in the last so many ms are judged. */
  readonly withinMs: number;
  /** So many of them, at least, must have ended. */
  readonly jobs: number;
  /** This part of them must have failed; above 0, up to 1. */
  readonly failed: number;
  /** Their failure rate must be so many times that of the time before. */
  readonly times: number;
  /** How far the time before reaches back, in ms. */
  readonly beforeMs: number;
}

/** For rules without settings of their own. */
export const defaultBreaker: BreakerSettings = {
  ...{ withinMs: 3_600_000, jobs: 20, failed: 0.5, times: 2, beforeMs: 7 * 24 * 3_600_000 },
};

/** Attempts that ended, with those that failed among them. */
export interface EndCount {
  readonly ended: number;
  readonly failed: number;
}

/** The most frequent kind of failure. */
export interface FailureCause {
  readonly exitCode: number | null;
  readonly holdCode: number | null;
  /** Failures with these codes. */
  readonly count: number;
  /** The most frequent message among them; numbers in it may differ. */
  readonly message: string | null;
  /** The node of most of them, and how many failed there. */
  readonly node: string | null;
  readonly nodeCount: number;
}

/** A breaker that is open. */
export interface OpenBreaker {
  readonly rule: string;
  /** false: it only reports. */
  readonly isActive: boolean;
  readonly reason: string;
  /** ISO 8601 UTC. */
  readonly openedAt: string;
}
