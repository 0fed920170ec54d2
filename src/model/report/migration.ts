import type { JobState } from '../job/job-state.ts';
import type { RoleName } from '../site.ts';

/** A column of an adopted table whose type becomes that of ours. */
export interface TypeChange {
  readonly table: string;
  readonly column: string;
  readonly to: 'text' | 'integer' | 'bigint' | 'timestamp' | 'jsonb';
  /** Where nothing is known 0 is written. */
  readonly isCount: boolean;
  /** The type it has now, e.g. `character varying(32)`. */
  readonly from: string;
  /** All rows are written again; else only the description of the table changes. */
  readonly isRewriting: boolean;
}

/** How many rows a table held, and holds. */
export interface TableCount {
  readonly table: string;
  /** Absent: the table was not there. */
  readonly before?: number;
  readonly after: number;
  /** Of `after`; only for attempts. */
  readonly live?: number;
  /** Of `after`; only for attempts. */
  readonly retired?: number;
}

/** Attempts of an older system that are not at their end. */
export interface OpenCount {
  readonly state: JobState;
  readonly attempts: number;
  /** Of them: those that the batch system never had, as far as the row shows (cluster 0). */
  readonly withoutCluster: number;
}

/** What adopting the tables of another system has changed, or would change. */
export interface Adoption {
  readonly counts: readonly TableCount[];
  readonly changes: readonly TypeChange[];
  /** Live attempts that belong to no submission of ours and are not final, by state. */
  readonly open: readonly OpenCount[];
  /** What was missing and was added, e.g. `files.md5`. */
  readonly added: readonly string[];
  /** The type of states was replaced: words were missing or in another order. */
  readonly hasNewStates: boolean;
  /** Bytes of the tables that are written again. */
  readonly rewrittenBytes: number;
}

/** What a migration did to the tables of a role, or will do. */
export interface MigrationReport {
  readonly role: RoleName;
  /** Names of the migrations that run, in order; empty when all had run before. */
  readonly applied: readonly string[];
  /** The tables are there and belong to others: nothing but what SLURP lacks is added. Never for `status`. */
  readonly isForeign: boolean;
  /** Tables of another system that are taken over, and how. */
  readonly adoption?: Adoption;
  /** An earlier version of SLURP had taken them over: only names change. */
  readonly isAdoptedAgain?: boolean;
}
