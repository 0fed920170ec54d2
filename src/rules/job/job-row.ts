/** One candidate that is to become a job, as the decision hands it out. */
export interface JobRow {
  readonly run: number;
  readonly segment: number;
  /** The query's column, where it has one. */
  readonly streamname?: string;
  readonly dsttype: string;
  readonly dstname: string;
  readonly dstfile: string;
  /** The query's column `source`: `$(lfn)`. */
  readonly source: string;
  /** Paths, separated by blanks or commas. */
  readonly inputs: string;
  /** Range tokens, separated by blanks or commas; empty where there are none. */
  readonly ranges: string;
  /** Every further column of the query by its name in lower case; null as an empty text or absent. */
  readonly extra: Readonly<Record<string, string>>;
}

/** What the templates of a job read: its row, and the attempt. */
export interface JobContext {
  readonly row: JobRow;
  /** `production_status.id`. */
  readonly cupsid: number;
}
