import type { KnownSign } from '../job/sign-of-life.ts';
import type { HeldAfterEnd, StoppedSubmission } from '../job/stuck-jobs.ts';
import type { RetryDecision } from '../policy/retry-policy.ts';
import type { RunSelection, SegmentSelection } from '../run-selection.ts';
import type { RowFault, Verdict } from '../verdict.ts';
import type { BlockingAttempt, RefusedReport, VerdictFact } from './verdict-fact.ts';

/** What became of one row of the query, and why. */
export interface ExplainedRow {
  readonly ordinal: number;
  readonly run: number;
  readonly segment: number;
  readonly streamname: string | null;
  /** Null where the row names no product. */
  readonly dstfile: string | null;
  /** The other name of the same product, where there is one. */
  readonly twin?: string;
  /** As the query gave them; null where the row's texts were not kept. */
  readonly files: string | null;
  readonly fact: VerdictFact;
}

/** All rows of a run by their fate, and the first of them with the fact behind it. */
export interface RunExplanation {
  readonly counts: readonly { readonly fate: Verdict | RowFault; readonly count: number }[];
  /** In the order of segment and query; at most as many as asked for. */
  readonly rows: readonly ExplainedRow[];
}

/** What is wrong with a row that its verdict does not say. */
export interface RowDoubts {
  /** Its attempt is finished, and the catalog has no file of the product. */
  readonly isUnregistered: boolean;
  /** Inputs that the catalog registered after the attempt had started, or after the product; UTC. */
  readonly newer: readonly { readonly path: string; readonly registeredAt: Date }[];
  /** Inputs that the catalog names and the disk does not have. */
  readonly gone: readonly string[];
  /** Directories of inputs that could not be listed, and why. */
  readonly unknown: readonly { readonly directory: string; readonly reason: string }[];
}

/** What a job's attempt left behind as its log of errors. */
export interface FoundLog {
  /** Absolute. */
  readonly path: string;
  /** The last lines that are not blank, at most {@link linesAtMost}, each at most 200 characters. */
  readonly lines: readonly string[];
}

/** Reports of attempts that were refused and are not resolved, by cupsid, the newest first; attempts without any are left out. */
export type RefusedByAttempt = Readonly<Record<number, readonly RefusedReport[]>>;

/** What the retry policy has decided about attempts, by cupsid. */
export type PolicyByAttempt = Readonly<
  Record<
    number,
    {
      /** false: it is only reported what would be done. */
      readonly isActive: boolean;
      readonly action: RetryDecision['action'];
      readonly reason: string;
      /** UTC; null unless it is a retry. */
      readonly dueAt: Date | null;
    }
  >
>;

/** The latest signs of life by cupsid. */
export type SignsByAttempt = Readonly<Record<number, KnownSign>>;

/** How the job of an attempt that blocks stands in the batch system, where that is not what its state says. */
export type Standing =
  /** No job is made for it. */
  | { readonly kind: 'stopped'; readonly stop: StoppedSubmission }
  /** The attempt has ended, and its job is held. */
  | { readonly kind: 'held'; readonly job: HeldAfterEnd };

/** Standings by the number of the attempt; those that are as their state says are left out. */
export interface Standings {
  readonly byAttempt: Readonly<Record<number, Standing>>;
  /** Why the batch system does not say, or not everything. */
  readonly silence?: string;
}

/** What is asked: a run, or one segment of it. */
export interface WhyQuestion {
  readonly run: number;
  readonly segment?: number;
}

/** Why the query returns no row: a part of the selection that leaves the run out, or nothing that we know of. */
export type AbsenceReason =
  | { readonly kind: 'runs'; readonly selection: RunSelection; readonly cursor: number }
  | { readonly kind: 'segments'; readonly selection: SegmentSelection }
  /** The row is there for this run alone: `--limit` cuts it off, or the selection where we do not know how. */
  | { readonly kind: 'limit'; readonly limit: number }
  | { readonly kind: 'selection' }
  /** The run is part of a product under another run: see {@link Why.merged}. */
  | { readonly kind: 'merged' }
  /** No row for the run, whatever is selected: the query's own conditions leave it out. */
  | { readonly kind: 'query'; readonly hasOtherSegments: boolean };

/** Products under other run numbers that are made from a run. */
export interface MergedProducts {
  /** Rows of the query, by the columns `firstrun` and `lastrun` or the names of their files. */
  readonly rows: RunExplanation;
  /** Live attempts that were dispatched with files of the run, but for those of the rows. */
  readonly attempts: readonly BlockingAttempt[];
}

/** Everything that `kaedama --why` knows about one run or segment, as data for text and JSON. */
export interface Why {
  readonly rule: string;
  readonly question: WhyQuestion;
  readonly explanation: RunExplanation;
  /** Ready jobs at most, where there is a limit. */
  readonly cap?: number;
  /** Where inputs were looked for. */
  readonly inputsFrom: string;
  /** Of attempts that failed or are held, by product; only where there is a log. */
  readonly logs: Readonly<Record<string, FoundLog>>;
  /** Reports of attempts that were refused and not resolved. */
  readonly refused: RefusedByAttempt;
  /** The latest signs of life of attempts that have not ended, by cupsid; attempts without any are left out. */
  readonly signs: SignsByAttempt;
  /** What the retry policy of the rule has decided about the attempts; those that it has not judged are left out. */
  readonly policy: PolicyByAttempt;
  /** What is wrong with rows beside their verdicts, by product. */
  readonly doubts: Readonly<Record<string, RowDoubts>>;
  /** How the jobs of blocking attempts stand in the batch system. */
  readonly standings: Standings;
  /** What the run was merged into: products under other runs that are made from it. */
  readonly merged: MergedProducts;
  /** Only where the query returns no row, or none that was asked for. */
  readonly absence?: {
    readonly reason: AbsenceReason;
    /** What would be with `--runs RUN` alone; absent where there is no row either. */
    readonly alone?: RunExplanation;
  };
}
