import type { JobState } from '../job/job-state.ts';
import type { RowFault, Verdict } from '../verdict.ts';

/** What a plan shows beside its verdicts, of rows that look well. */
export interface Finding {
  readonly kind:
    /** The attempt is finished; the catalog has no file of the product. */
    | 'not-in-catalog'
    /** A report of the attempt that blocks the product was refused, or remarked on, and that is not resolved. */
    | 'report-refused'
    /** An input was registered after the attempt of the product had started. */
    | 'older-than-inputs'
    /** A job is ready; an input is not on disk. */
    | 'inputs-gone';
  readonly count: number;
  /** How many were looked at, of how many that there are. */
  readonly looked: number;
  readonly of: number;
  /** The first in the query's order. */
  readonly example?: { readonly run: number; readonly segment: number };
}

/** Something that did not stop the decision, with how often and one example. */
export interface DecisionWarning {
  readonly kind:
    | 'rejected-rows'
    | 'repeated-rows'
    | 'repeated-column'
    | 'limited-before-selection'
    | 'missing-inputs'
    | 'unfit'
    | 'listed-twice'
    | 'unreadable-directory'
    | 'dangling-links'
    | 'empty-listing'
    | 'rule-columns'
    | 'inputs-unknown'
    | Finding['kind'];
  readonly count: number;
  /** A sentence without full stop. */
  readonly message: string;
}

/**
 * How many rows met which end: `rows - rejected - repeated === candidates`, and `counts` adds up to `candidates`.
 * Copies of a row are distinguished from candidates only where the product is neither blocked nor there.
 */
export interface Funnel {
  readonly rows: number;
  readonly faults: Readonly<Record<RowFault, number>>;
  readonly candidates: number;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** The part of `counts.blocked` for each state that occurs. */
  readonly blockedByState: Readonly<Partial<Record<JobState, number>>>;
  readonly warnings: readonly DecisionWarning[];
  /** Absent where it was not looked for. */
  readonly findings?: readonly Finding[];
}
