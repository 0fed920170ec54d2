/** What becomes of a failed product. */
export type RetryAction = 'retry' | 'more-memory' | 'more-disk' | 'avoid-node' | 'give-up' | 'pause';

/** Which failures a case is about: all that is named must agree; nothing named agrees with every failure. */
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
  /** From the end of the first attempt to the next; each further one waits twice as long. */
  readonly afterMs: number;
  /** Of the measured peak, or of the last request if that was more. */
  readonly factor: number;
  /** No more is requested. */
  readonly upToMb?: number;
}

/** What becomes of failed products of a rule. */
export interface RetryPolicy {
  /** Otherwise it is only reported what would be done. */
  readonly isActive: boolean;
  /** So many attempts of a product may fail. */
  readonly attempts: number;
  /** The first that agrees with a failure decides. */
  readonly cases: readonly RetryCase[];
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
  /** That ended the job, as the batch system says: `SIGKILL`. */
  readonly signal: string | null;
  readonly flags: number;
  readonly message: string | null;
  readonly node: string | null;
  /** Measured peaks. */
  readonly memoryMb: number | null;
  readonly diskMb: number | null;
  /** When it ended, or was held; milliseconds since 1970. */
  readonly sinceMs: number;
  /** Attempts of the product that failed since it was last finished, this one included. */
  readonly failures: number;
  /** The rule was paused because of this attempt, by an active policy. */
  readonly isPauseDone: boolean;
  /** What the attempt requested, where the policy had raised it. */
  readonly requestedMemoryMb: number | null;
  readonly requestedDiskMb: number | null;
}

/** What the rule itself requests; absent: not known before the job is made. */
export interface RuleRequests {
  readonly memoryMb?: number;
  readonly diskMb?: number;
}

/** What is to be done about a failure, and why. */
export type RetryDecision = {
  /** A sentence without full stop. */
  readonly reason: string;
  /** Position of the case in the policy, from 1; absent: none agrees, or there were too many attempts. */
  readonly caseNumber?: number;
} & (
  | { readonly action: 'none' | 'give-up' | 'pause' }
  | {
      readonly action: 'retry';
      /** Not before; milliseconds since 1970. */
      readonly dueMs: number;
      readonly memoryMb?: number;
      readonly diskMb?: number;
      readonly avoidedNode?: string;
    }
);
