import type { JobState } from '../job/job-state.ts';
import type { OutsideSelection } from '../row-selection.ts';
import type { Fate } from '../verdict.ts';

/** A line of `invalid_run_list`; a `lastRun` of -1 is open. */
export interface InvalidRunEntry {
  readonly id: number;
  readonly dstname: string;
  readonly firstRun: number;
  readonly lastRun: number;
  readonly firstSegment: number;
  readonly lastSegment: number;
  readonly reason: string | null;
  readonly expiresAt: Date;
}

/** One of several rows for one product, as the query gave it. */
export interface CompetingRow {
  readonly ordinal: number;
  readonly streamname: string | null;
  readonly source: string | null;
  readonly files: string;
  readonly ranges: string | null;
  /** Further columns, as text. */
  readonly extra: Readonly<Record<string, string | null>>;
}

/** An input (lfn) of a candidate that has no usable file, and what is known of it instead. */
export interface MissingInput {
  readonly lfn: string;
  /** Places that are known for the name but cannot be used: another basename, or a space or comma in the path. */
  readonly unusable: readonly string[];
  /** Places that the catalog names and the disk does not have; only where the rule verifies its inputs. */
  readonly gone: readonly string[];
}

/** An attempt that blocks, or that will be replaced. */
export interface BlockingAttempt {
  readonly id: number;
  readonly dstfile: string;
  /** Which attempt of the product it is; from 1. */
  readonly attemptNumber: number;
  readonly state: JobState;
  /** When it entered the state; UTC; null where nothing was noted. */
  readonly since: Date | null;
  /** When it started, or was first heard of; UTC; null where nothing was noted. */
  readonly startedAt: Date | null;
  readonly cluster: number;
  readonly process: number;
  readonly rule: string | null;
  readonly submissionHost: string | null;
  readonly executionNode: string | null;
  readonly exitCode: number | null;
  readonly message: string | null;
  /** Paths as they were when it was dispatched, comma-separated. */
  readonly inputs: string | null;
  /** Uuid of its submission; null for attempts of an older system. */
  readonly submission: string | null;
}

/** For each verdict, the rows or values that led to it. */
export interface FactByFate {
  readonly 'not-selected': {
    readonly outside: OutsideSelection | undefined;
    /** The live attempt of the product, if there is one. */
    readonly attempt: BlockingAttempt | undefined;
  };
  readonly rejected: { readonly column: string };
  readonly 'invalid-run': { readonly entries: readonly InvalidRunEntry[] };
  readonly blocked: { readonly attempt: BlockingAttempt | undefined };
  readonly exists: { readonly filename: string; readonly datasets: readonly string[] };
  readonly repeated: { readonly rows: readonly CompetingRow[] };
  readonly duplicate: { readonly rows: readonly CompetingRow[] };
  readonly 'missing-inputs': { readonly wanted: number; readonly missing: readonly MissingInput[] };
  readonly unfit: { readonly reason: string };
  readonly 'over-limit': { readonly readyBefore: number };
  readonly ready: { readonly inputs: string; readonly replaces: BlockingAttempt | undefined };
}

/** The type of the fact that explains one verdict: `FactOf<'blocked'>` has the attempt that blocks. */
export type FactOf<Name extends Fate> = FactByFate[Name];

/** A verdict with its fact: what `--why` prints below the verdict. */
export type VerdictFact<Name extends Fate = Fate> = { [One in Name]: { readonly fate: One } & FactByFate[One] }[Name];

/** A report that was refused, or remarked on, and that is not resolved. */
export interface RefusedReport {
  readonly cupsid: number;
  readonly dstfile: string;
  /** Null for attempts of an older system. */
  readonly rule: string | null;
  /** What was reported: `finished`, `stageout`, … */
  readonly report: string;
  readonly reason: string;
  /** Nothing was refused: the reason is something that an operator should look at. */
  readonly isRemark: boolean;
  /** When the site came to know of it. */
  readonly refusedAt: Date;
}
