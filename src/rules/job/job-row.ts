import type { CandidateRow } from '#model/candidate.ts';

/** One candidate that is to become a job: what its templates may read of it. */
export type JobRow = Omit<CandidateRow, 'ordinal' | 'replaces'>;

/** What the templates of a job read: its row, and the attempt. */
export interface JobContext {
  readonly row: JobRow;
  /** `production_status.id`. */
  readonly cupsid: number;
  /** Where the job stages from; absent: the submit directory. */
  readonly stageDirectory?: string;
}
