import type { JobState } from '../job/job-state.ts';

/** A file of a product, as a row of the catalog's `files` has it. */
export interface RemovableFile {
  readonly lfn: string;
  readonly host: string;
  readonly path: string;
  /** As the catalog has it; null: it does not say. */
  readonly sizeBytes: number | null;
  /** It is on disk. */
  readonly isThere: boolean;
}

/** A product, and what would be removed of it. */
export interface RemovableProduct {
  readonly dstfile: string;
  /** Its live attempt; absent where it has none. */
  readonly attempt?: { readonly cupsid: number; readonly state: JobState };
  readonly files: readonly RemovableFile[];
  /** Rows of the catalog's `datasets`. */
  readonly datasets: readonly { readonly filename: string; readonly dataset: string }[];
}

/** What `ramenya remove` would remove, and why it does not; part of its `--json`. */
export interface RemovalPlan {
  readonly dstname: string;
  readonly run: number;
  /** By name. */
  readonly products: readonly RemovableProduct[];
  /** Why nothing can be removed, one sentence each; empty: everything can be removed. */
  readonly refusals: readonly string[];
}

/** What `ramenya remove` removed. */
export interface Removed {
  /** Products of which nothing is left. */
  readonly products: number;
  readonly files: number;
  readonly bytes: number;
  readonly filesRows: number;
  readonly datasetsRows: number;
  /** Attempts that were retired. */
  readonly attempts: number;
  /** What could not be removed, a sentence each. */
  readonly failures: readonly string[];
}
