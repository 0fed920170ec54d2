import type { Database, Session, Statement } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';
import type { FactOf } from '#model/report/verdict-fact.ts';
import type { ExplainedRow, Why } from '#model/report/why.ts';
import type { Fate } from '#model/verdict.ts';

import type { Decision } from '../decide.ts';
import type { DecisionRequest } from '../decision-request.ts';
import type { ProductNames, RowSql } from '../product-sql.ts';
import type { QueryColumns } from '../read-query-columns.ts';

/** What a verdict is given by, after the query's rows were read: see `decide`. */
export interface LateJudging {
  /** Holds `pg_temp.undecided` and the other tables of the decision. */
  readonly session: Session;
  readonly catalog: Database;
  readonly request: DecisionRequest;
  readonly columns: QueryColumns;
  readonly names: ProductNames;
}

/** What a verdict is given by while the query's rows are read. */
export interface EarlyJudging {
  readonly session: Session;
  readonly request: DecisionRequest;
  readonly names: ProductNames;
}

/** A row of a decision with what the steps noted of it. */
export interface FateRow {
  readonly ordinal: number;
  readonly run: number;
  readonly segment: number;
  readonly streamname: string | null;
  readonly dstfile: string | null;
  readonly twin: string | null;
  readonly files: string | null;
  readonly fate: Fate;
  readonly cupsid: number | null;
  readonly note: string | null;
  readonly inputs: string | null;
}

/** Where the fact behind a verdict is found. */
export interface Explaining {
  readonly session: Session;
  readonly decision: Decision;
  readonly catalog: Database;
}

/**
 * Everything about one verdict (or fault of a row), in one file: the step that gives it, the fact behind it, its wording.
 * `fates` lists them all; what is counted, shown and explained follows from the list.
 */
export interface VerdictPart<Name extends Fate> {
  /** Behind the number of rows in the funnel. */
  readonly meaning: string;
  /**
   * The step while the query's rows are read: whether a row `c` has the verdict, in SQL, as a function of columns that
   * `row` names. Undefined where no row can have it.
   */
  readonly early?: (judging: EarlyJudging, row: RowSql) => Promise<Statement | undefined>;
  /** The step behind it: gives the verdict to rows of `undecided` that have none yet. */
  readonly mark?: (judging: LateJudging) => Promise<readonly DecisionWarning[]>;
  /** What a dispatch is warned of, where `count` rows (at least one) have it. */
  readonly warn?: (session: Session, count: number) => Promise<readonly DecisionWarning[]>;
  readonly findFact: (explaining: Explaining, row: FateRow) => Promise<FactOf<Name>>;
  /** The fact in lines, for a person. */
  readonly describe: (fact: FactOf<Name>, why: Why, row: Pick<ExplainedRow, 'dstfile'>) => readonly string[];
}
