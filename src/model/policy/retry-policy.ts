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
  readonly then: RetryAction;
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
