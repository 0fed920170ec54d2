import type { JobState } from './job-state.ts';

/** A submission of which the batch system makes no further jobs. */
export interface StoppedSubmission {
  readonly submission: string;
  readonly rule: string;
  /** Its number in the batch system; null where that is not known. */
  readonly cluster: number | null;
  /**
   * `held`: somebody put it on hold, and can release it. `broken`: a job cannot be made. `removed`: somebody took it out of
   * the queue.
   */
  readonly kind: 'held' | 'broken' | 'removed';
  /** In the batch system's words, in one line. */
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
  /** In the batch system's words. */
  readonly reason?: string;
  readonly code?: number;
  readonly subcode?: number;
}

/** What stands in the batch system and gets no further by itself, beside held jobs whose attempt is not at its end. */
export interface StuckJobs {
  readonly stops: readonly StoppedSubmission[];
  readonly heldAfterEnd: readonly HeldAfterEnd[];
  /** Why the batch system was not understood, or not in everything; then `stops` are those that were recorded before. */
  readonly silence?: string;
}
