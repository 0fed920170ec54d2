import type { BreakerSettings } from './breaker.ts';

/** What a retry policy does about a failure. */
export type RetryAction = 'retry' | 'more-memory' | 'more-disk' | 'avoid-node' | 'give-up' | 'pause';

/** The failures that a case matches: every given field must match; a pattern without fields matches every failure. */
export interface FailurePattern {
  readonly exitCodes?: readonly number[];
  readonly holdCodes?: readonly number[];
  /** Without `SIG`: `KILL`. */
  readonly signals?: readonly string[];
  /** Numbers of bits of the flags that a job sets, from 0; any of them. */
  readonly flags?: readonly number[];
  /** Found anywhere in the last message. */
  readonly message?: RegExp;
  /** Matches the whole name of the node. */
  readonly node?: RegExp;
}

/** One case of a retry policy. */
export interface RetryCase {
  readonly when: FailurePattern;
  readonly do: RetryAction;
  /** From the end of the first attempt to the next one; the wait doubles with each further failure. */
  readonly afterMs: number;
  /** Multiplies the measured peak, or the last request if that was larger. */
  readonly factor: number;
  /** The largest request. */
  readonly upToMb?: number;
}

/** What a rule's retry policy does about failed and held attempts. */
export interface RetryPolicy {
  /** False: decisions are only reported. */
  readonly isActive: boolean;
  /** A product is given up after this number of failed attempts. */
  readonly attempts: number;
  /** The first that matches a failure decides. */
  readonly cases: readonly RetryCase[];
  /** Absent: failures are not counted. */
  readonly breaker?: BreakerSettings;
}

/** What is known of an attempt that failed or is held, and of its product. */
export interface ProductFailure {
  readonly cupsid: number;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
  readonly state: 'failed' | 'held';
  readonly exitCode: number | null;
  readonly holdCode: number | null;
  /** The signal that ended the job, as the batch system reports it: `SIGKILL`. */
  readonly signal: string | null;
  readonly flags: number;
  readonly message: string | null;
  readonly node: string | null;
  /** Measured peaks. */
  readonly memoryMb: number | null;
  readonly diskMb: number | null;
  /** When the attempt ended, or was held; milliseconds since 1970. */
  readonly sinceMs: number;
  /** Failed attempts of the product since it was last finished, including this one. */
  readonly failures: number;
  /** The rule was paused because of this attempt, by an active policy. */
  readonly isPauseDone: boolean;
  /** What the attempt requested, if the policy had raised it. */
  readonly requestedMemoryMb: number | null;
  readonly requestedDiskMb: number | null;
}

/** What the rule itself requests; absent if it depends on the row. */
export interface RuleRequests {
  readonly memoryMb?: number;
  readonly diskMb?: number;
}

/** What to do about a failure, and why. */
export type RetryDecision = {
  /** A sentence without full stop. */
  readonly reason: string;
  /** Position of the case in the policy, from 1; absent: no case matches. */
  readonly caseNumber?: number;
} & (
  | { readonly action: 'none' | 'give-up' | 'pause' }
  | {
      readonly action: 'retry';
      /** The earliest time; milliseconds since 1970. */
      readonly dueMs: number;
      readonly memoryMb?: number;
      readonly diskMb?: number;
      readonly avoidedNode?: string;
    }
);
