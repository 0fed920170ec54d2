/** One job that may be dispatched: a row of the rule's query with the verdict `ready`, as the decision leaves it. */
export interface CandidateRow {
  /** Place in the query's order, from 1; gaps where other rows were left out. */
  readonly ordinal: number;
  readonly run: number;
  readonly segment: number;
  /** Absent where the query has no such column, or it is null. */
  readonly streamname?: string;
  /** Stream resolved. */
  readonly dsttype: string;
  readonly dstname: string;
  /** Dstname, run and segment without extension: the product. */
  readonly dstfile: string;
  /** Where the inputs come from, as the query says: `database/table`; may be empty. */
  readonly source: string;
  /** Paths (lfns for a `lfn2lfn` rule), comma-separated, in the order of the query's `files`; never empty. */
  readonly inputs: string;
  /** The tokens of `fileranges`, comma-separated; empty where there are none. */
  readonly ranges: string;
  /** Every further column of the query by its name, as PostgreSQL prints it; nulls are absent. */
  readonly extra: Readonly<Record<string, string>>;
  /** Id of the live attempt that this one will replace, because its state was unblocked. */
  readonly replaces?: number;
}
