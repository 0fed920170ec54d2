import type { CandidateRow } from '../candidate.ts';
import type { Funnel } from './funnel.ts';

/** What a rule would dispatch now, and why the rest would not: what `kaedama --plan` prints. */
export interface PlanReport {
  readonly rule: string;
  readonly dstname: string;
  readonly funnel: Funnel;
  /** For what a dispatch would be refused, a sentence each. */
  readonly refusals: readonly string[];
  /** The ready rows in the query's order, in pieces; iterated once. */
  readonly ready: AsyncIterable<readonly CandidateRow[]>;
}
