import type { Discrepancies } from './discrepancies.ts';

/** How many submissions were found in which condition. */
export interface Recovered {
  readonly confirmed: number;
  readonly withdrawn: number;
  /** Another process is at work on them, or they may still appear. */
  readonly waiting: number;
  /** The batch system did not answer. */
  readonly unknown: number;
}

/** The kinds of events that reconciling records, each counted. */
export const recordedKinds = ['started', 'held', 'released', 'evicted', 'exited', 'removed', 'vanished'] as const;

/** A submission of which the batch system makes no further jobs. */
export interface ReconciledStop {
  readonly submission: string;
  readonly rule: string;
  /** Null where it is not known. */
  readonly cluster: number | null;
  /** `held`: an operator held it, and it waits. `ended`: its factory ended, and what was not made was taken back. */
  readonly state: 'held' | 'ended';
  /** In the batch system's words. */
  readonly reason: string;
  /** Attempts without a job: that wait, or that were taken back. */
  readonly unmade: number;
  /** Of an ended one: attempts that failed, because it is their job that could not be made. */
  readonly failed: number;
}

/** What reconciling found and did; attempts, unless said otherwise. */
export interface Reconciled {
  readonly checked: number;
  /** Row and batch system agreed. */
  readonly agreed: number;
  readonly confirmed: number;
  /** New events, by what they say. */
  readonly recorded: Readonly<Record<(typeof recordedKinds)[number], number>>;
  /** Jobs that were taken out of the queue because they are not wanted any more. */
  readonly jobsRemoved: number;
  /** Will be known later. */
  readonly waiting: number;
  readonly unknown: number;
  /** Reports of the batch system that could not be read; the attempts that they may be about are `unknown`. */
  readonly unread: number;
  /** Vanished all at once, too many to be believed: nothing was written down about them. */
  readonly disbelieved: number;
  /** Submissions of which the batch system makes no further jobs. */
  readonly stops: readonly ReconciledStop[];
  /** Whose jobs were never made; they can be dispatched again. */
  readonly takenBack: number;
  /** Why something waits or is unknown, or what else there is to say, with the number of attempts; the most first. */
  readonly reasons: readonly { readonly why: string; readonly count: number }[];
}

/** What a whole reconciliation did: of submissions, and of attempts unless only the former were asked for. */
export interface ReconcileReport {
  readonly submissions: Recovered;
  readonly attempts?: Reconciled;
  /** What does not agree of attempts that have ended. */
  readonly discrepancies?: Discrepancies;
  /** Nothing was changed: this is what would be done. */
  readonly isReportOnly?: true;
}
