/**
 * A file that a job put in its place, to be registered in the catalog: one `files` and one `datasets` row. What is
 * absent was not known on the worker: the attempt's own is registered.
 */
export interface StagedFile {
  /** Basename with extension: `files.lfn` and `datasets.filename`. */
  readonly lfn: string;
  /** Absolute path of the copy: `files.full_file_path`. */
  readonly path: string;
  /** `files.full_host_name`, e.g. `lustre` or `gpfs`. */
  readonly host: string;
  readonly sizeBytes: number;
  /** Lower case hex. */
  readonly md5: string;
  readonly run?: number;
  readonly segment?: number;
  readonly dataset?: string;
  readonly dsttype?: string;
  /** -1 when unknown. */
  readonly events: number;
}

/** A staged file with every value that `files` and `datasets` need; nothing is optional any more. */
export type CatalogFile = Required<StagedFile>;

/** What can be said of a dataset, the files of one name over one run or range of runs; `dataset_status.status`. */
export const datasetWords = ['created', 'updated', 'finalized', 'broken'] as const;

/** A word of a job about the dataset it works on; the attempt itself is not touched by it. */
export interface DatasetDetail {
  readonly kind: 'dataset';
  readonly word: (typeof datasetWords)[number];
  readonly dstname: string;
  readonly run: number;
  /** Absent: the newest dataset of that name and run, or one of this run alone. */
  readonly lastRun?: number;
  /** What it is made from; with `created` only. */
  readonly parent?: string;
  /** Who says so. */
  readonly blame: string;
}

/** What can be said about an attempt; `kind` is the column `production_event.kind`, the rest its `detail`. */
export type JobEventDetail =
  | { readonly kind: 'started'; readonly node: string }
  | { readonly kind: 'running'; readonly nsegments?: number }
  /** `exitCode` > 0 means failed; absent or <= 0 finished. A given `nevents` is set, or added where `isIncrement`. */
  | {
      readonly kind: 'finished';
      readonly exitCode?: number;
      readonly nevents?: number;
      readonly isIncrement?: boolean;
      readonly nsegments?: number;
    }
  | { readonly kind: 'exitcode'; readonly exitCode: number }
  | { readonly kind: 'nevents'; readonly nevents: number; readonly isIncrement?: boolean }
  | { readonly kind: 'inputs'; readonly files: readonly string[] }
  /** `flag` is a bit mask, or-ed into `flags` (bit 32 is allowed, so up to 2^33 - 1); `logsize` is in kB. */
  | { readonly kind: 'message'; readonly text: string; readonly flag?: number; readonly logsize?: number }
  | {
      readonly kind: 'stageout';
      readonly file: StagedFile;
      readonly nevents?: number;
      readonly isIncrement?: boolean;
    }
  | DatasetDetail
  /**
   * A report of the job was refused: by the gateway, from a spool, or by the command that was to make it. `lfn` is the
   * file that it is about. With `isRemark` nothing was refused: the reason is something that an operator should look at.
   */
  | {
      readonly kind: 'refused';
      readonly report: string;
      readonly reason: string;
      readonly lfn?: string;
      readonly isRemark?: boolean;
    }
  /** Said by the batch system (source `batch:START`). */
  | { readonly kind: 'held'; readonly reason: string; readonly code?: number; readonly subcode?: number }
  | { readonly kind: 'released' }
  | { readonly kind: 'evicted'; readonly reason?: string }
  /** The job left the batch system: removed by a user, vanished, or exited (`finished` only with exit code 0). */
  | { readonly kind: 'removed'; readonly reason: string }
  | { readonly kind: 'vanished'; readonly reason: string }
  | {
      readonly kind: 'exited';
      readonly exitCode?: number;
      readonly signal?: string;
      readonly node?: string;
      readonly cpuSeconds?: number;
      readonly wallSeconds?: number;
      readonly memoryMb?: number;
      readonly diskMb?: number;
    };

/** One thing that was said about an attempt; the key is (attempt, source, sequence). One spool line, one row of `production_event`. */
export interface JobEvent {
  /** `production_status.id`, the cupsid. */
  readonly cupsid: number;
  /** A random id made with the spool file, `batch:START`, or `operator:NAME`. */
  readonly source: string;
  /**
   * Byte offset of the line in its spool; any non-negative number that the source does not use twice and that grows in
   * the order in which the source speaks: this order counts, not the clock.
   */
  readonly sequence: number;
  /** Number of earlier starts of the job; -1 before the first (batch events only). */
  readonly start: number;
  /** UTC, ISO 8601 with milliseconds and `Z`; the teller's clock. */
  readonly at: string;
  readonly detail: JobEventDetail;
}
