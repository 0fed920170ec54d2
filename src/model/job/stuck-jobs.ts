import type { JobState } from './job-state.ts';

/** A submission of which the batch system makes no further jobs. */
export interface StoppedSubmission {
  readonly submission: string;
  readonly rule: string;
  /** Its number in the batch system; null where that is not known. */
  readonly cluster: number | null;
  /**
   * `held`: an operator held it, and can release it. `broken`: a job cannot be made. `removed`: it was taken out of the
   * queue.
   */
  readonly kind: 'held' | 'broken' | 'removed';
  /** As the batch system reports it, in one line. */
  readonly reason: string;
  /** When it was first seen so; ISO 8601 UTC; absent where it was not recorded yet. */
  readonly since?: string;
  /** Jobs that are not made. */
  readonly unmade: number;
  /** Process number of the first of them. */
  readonly next: number;
}

/** A job that is held in the queue although its attempt has ended: its output is missing, say. */
export interface HeldAfterEnd {
  /** `production_status.id`. */
  readonly cupsid: number;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
  readonly rule: string | null;
  /** Of the attempt, which stays. */
  readonly state: JobState;
  readonly submission: string;
  readonly cluster: number;
  readonly process: number;
  /** Since when it is held; ISO 8601 UTC. */
  readonly since?: string;
  /** As the batch system reports it. */
  readonly reason?: string;
  readonly code?: number;
  readonly subcode?: number;
}

/** What is stuck in the batch system, apart from held jobs whose attempt has not ended. */
export interface StuckJobs {
  readonly stops: readonly StoppedSubmission[];
  readonly heldAfterEnd: readonly HeldAfterEnd[];
  /** Why the answer of the batch system is missing or incomplete; then `stops` are those recorded before. */
  readonly silence?: string;
}
