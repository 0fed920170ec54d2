import type { Database } from '#db/connect.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { Production } from '#model/production.ts';
import type { RowSelection } from '#model/row-selection.ts';
import type { Place } from '#model/rule.ts';
import type { RoleName } from '#model/site.ts';

/** One file of a `direct_path` listing; both may hold any character but NUL. */
export interface ListedFile {
  readonly basename: string;
  readonly path: string;
}

/** An absolute path that was listed in a directory. */
export interface ListedPath {
  readonly path: string;
  /** A symbolic link, which may lead nowhere. */
  readonly isLink: boolean;
}

/** A listing of many directories that is read while it is made: first the paths, then what is unknown. */
export interface DiskListing {
  /** In no particular order, directories left out. Iterated once. */
  readonly paths: AsyncIterable<ListedPath>;
  /** To be read after the paths: directories of which it is not known what they hold, and why. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** The file system, as far as a decision looks at it. */
export interface Disk {
  list(directories: readonly string[]): DiskListing;
  /** Which of these symbolic links lead nowhere. */
  findDangling(links: readonly string[]): Promise<readonly string[]>;
}

/** How the input files of a candidate are found. */
export type InputSource =
  /** By lfn, in the catalog's `files`; with a disk, only what exists there (`verify: true`). */
  | { readonly kind: 'catalog'; readonly disk?: Disk }
  /** By basename, among these files; iterated once, and only if a candidate is still open by then. */
  | { readonly kind: 'listing'; readonly files: AsyncIterable<ListedFile> }
  /** The names are passed on as they are (`lfn2lfn`). */
  | { readonly kind: 'names' };

/** What is to be decided: plain facts of one rule and one call. */
export interface DecisionRequest {
  /** Name of the rule, for messages. */
  readonly rule: string;
  /** Absolute path of the rule file, for messages. */
  readonly file?: string;
  readonly query: {
    readonly role: RoleName;
    /** Finished SQL of one statement, without semicolon at its end. */
    readonly text: string;
    /** Where a character of it (offset from 0) stands in the rule file, for messages. */
    readonly placeOf?: (offset: number) => Place;
  };
  /** For one without version, `_v000` counts as the same product. */
  readonly production: Production;
  /** Rows outside of it are left out, whatever the query returns. */
  readonly selection: RowSelection;
  /** States that do not block: their attempt is replaced. */
  readonly unblockStates: readonly JobState[];
  /** Passes over what exists already; never over what is blocked. */
  readonly isResubmit: boolean;
  /** Ready jobs at most; absent: no limit. */
  readonly cap?: number;
  readonly inputs: InputSource;
  /** The run of a question (`--why`): rows that are made from it are marked, and rows that have to do with it keep their texts. */
  readonly asked?: {
    readonly run: number;
    /** Only rows that have to do with it are decided. */
    readonly isAlone: boolean;
  };
  /** Looks at rows that are ready; absent: all of them can be submitted. */
  readonly rowJudge?: RowJudge;
}

/** Finds out whether the jobs of rows can be submitted. */
export interface RowJudge {
  /** Every row is to be looked at; else only unusual ones. */
  readonly isForAll: boolean;
  /** Commands that all rows have to have, or none: rows in which one is empty are left out where others have it. */
  readonly uneven: readonly string[];
  /** `fault`: what is wrong with the job of a row, a sentence without full stop; absent: nothing. `empty`: of `uneven`. */
  readonly judge: (row: CandidateRow) => { readonly fault?: string; readonly empty: readonly string[] };
}

/** The databases that a decision reads, by role, and the limit of the rule's query in ms. */
export interface DecisionDatabases {
  readonly databases: Readonly<Record<RoleName, Database>>;
  /** How long the rule's query may run. */
  readonly statementTimeoutMs: number;
}
