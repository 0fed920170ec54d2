import type { JobState } from '#model/job/job-state.ts';

import type { TypeChange } from './check-tables.ts';

/** How many rows a table held, and holds. */
export interface TableCount {
  readonly table: string;
  /** Absent: the table was not there. */
  readonly before?: number;
  readonly after: number;
  /** Of `after`; only for attempts. */
  readonly live?: number;
  /** Of `after`; only for attempts. */
  readonly retired?: number;
}

/** Attempts of an older system that are not at their end. */
export interface OpenCount {
  readonly state: JobState;
  readonly attempts: number;
  /** Of them: those that the batch system never had, as far as the row shows (cluster 0). */
  readonly withoutCluster: number;
}

/** What adopting the tables of another system has changed, or would change. */
export interface Adoption {
  readonly counts: readonly TableCount[];
  readonly changes: readonly TypeChange[];
  /** Live attempts that belong to no submission of ours and are not final, by state. */
  readonly open: readonly OpenCount[];
  /** What was missing and was added, e.g. `files.md5`. */
  readonly added: readonly string[];
  /** The type of states was made again: it lacked words, or had them in another order. */
  readonly hasNewStates: boolean;
  /** Bytes of the tables that are written again. */
  readonly rewrittenBytes: number;
}

/** Called with the name of each phase as it begins, for the progress on the terminal. */
export type TellPhase = (phase: string) => void;
