import { findDoubts } from '#db/decide/explain/find-doubts.ts';
import { findExplanation } from '#db/decide/explain/find-explanation.ts';
import { findMergedAttempts } from '#db/decide/explain/find-merged-attempts.ts';
import { findPolicyActions } from '#db/status/policy/policy-actions.ts';
import { RuleError } from '#model/errors.ts';
import { isRunSelected, isSegmentSelected } from '#model/row-selection.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { present } from '#util/present.ts';

import { makeDisk, surveyBounds } from '../inputs/make-disk.ts';
import { planRule } from '../plan-rule.ts';
import { findLog } from './find-log.ts';
import { findNamedAttempts } from './find-named-attempts.ts';
import { findReportsRefused } from './find-reports-refused.ts';
import { findSignsOfLife } from './find-signs-of-life.ts';
import { findStandings } from './find-standings.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type {
  AbsenceReason,
  ExplainedRow,
  FoundLog,
  MergedProducts,
  RowDoubts,
  RunExplanation,
  Why,
  WhyQuestion,
} from '#model/report/why.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { PlanInput } from '../plan-rule.ts';

function likelyReasonOf(options: RunOptions, question: WhyQuestion): AbsenceReason {
  const { runs, cursor, segments, limit } = options;
  if (!isRunSelected(runs, cursor, question.run)) return { kind: 'runs', selection: runs, cursor };
  if (segments !== undefined && (question.segment === undefined || !isSegmentSelected(segments, question.segment))) {
    return { kind: 'segments', selection: segments };
  }
  return limit > 0 ? { kind: 'limit', limit } : { kind: 'selection' };
}

function inputsFrom({ prepared }: PlanInput): string {
  if (prepared.isLfn2lfn) return 'the query itself';
  return prepared.directPath === undefined ? "the catalog's files" : `direct_path '${prepared.directPath}'`;
}

interface Explained {
  readonly explanation: RunExplanation;
  readonly merged: MergedProducts;
  readonly cap?: number;
}

const mergedShown = 10;

async function findExplained(input: PlanInput, question: WhyQuestion): Promise<Explained> {
  const plan = await planRule({ ...input, asked: { isAlone: false, ...input.asked, run: question.run } });
  try {
    const { session, decision } = plan;
    const { catalog } = input.databases;
    const explanation = await findExplanation(session, decision, catalog, question);
    const rows = await findExplanation(session, decision, catalog, { run: question.run, isMerged: true }, mergedShown);
    const shown = new Set([...explanation.rows, ...rows.rows].map(({ dstfile }) => dstfile));
    const attempts = await findMergedAttempts(session, decision, question.run, mergedShown);
    const { cap } = plan.request;
    return {
      explanation,
      merged: { rows, attempts: attempts.filter(({ dstfile }) => !shown.has(dstfile)) },
      ...present({ cap }),
    };
  } finally {
    await plan.close();
  }
}

/** A query over all runs may take long, and is asked for what is a detail of the answer. */
const wideTimeoutMs = 60_000;

// All rows of the query, of which those are decided that have to do with the run.
async function findMergedRows(input: PlanInput, question: WhyQuestion): Promise<MergedProducts | undefined> {
  const { rule, options } = input.prepared;
  const { segments: _segments, ...rest } = options;
  const preparation = prepareRule(rule, { ...rest, runs: { kind: 'cursor' }, cursor: 0, limit: 0 });
  if (preparation.kind === 'refused') return undefined;
  const { maxJobs: _maxJobs, ...unlimited } = input;
  const wide: PlanInput = {
    ...{ ...unlimited, prepared: preparation.prepared, asked: { run: question.run, isAlone: true } },
    statementTimeoutMs: Math.min(input.statementTimeoutMs, wideTimeoutMs),
  };
  try {
    return (await findExplained(wide, question)).merged;
  } catch (error) {
    if (error instanceof RuleError && error.code === 'rule-query-timeout') return undefined;
    throw error;
  }
}

// The same rule for this run alone: what is left out now is left out by the query, not by the selection.
async function findAbsence(input: PlanInput, question: WhyQuestion): Promise<NonNullable<Why['absence']>> {
  const { rule, options } = input.prepared;
  const { segments: _segments, ...rest } = options;
  const preparation = prepareRule(rule, { ...rest, runs: { kind: 'one', run: question.run }, limit: 0 });
  if (preparation.kind === 'refused') return { reason: { kind: 'selection' } };
  const { maxJobs: _maxJobs, ...unlimited } = input;
  const { explanation } = await findExplained({ ...unlimited, prepared: preparation.prepared }, { run: question.run });
  const { segment } = question;
  const isThere = explanation.counts.length > 0;
  if (segment === undefined) {
    return isThere
      ? { reason: likelyReasonOf(options, question), alone: explanation }
      : { reason: { kind: 'query', hasOtherSegments: false } };
  }
  const { explanation: alone } = await findExplained({ ...unlimited, prepared: preparation.prepared }, question);
  return alone.counts.length > 0
    ? { reason: likelyReasonOf(options, question), alone }
    : { reason: { kind: 'query', hasOtherSegments: isThere } };
}

// Of others it does not matter what their inputs are.
const doubtfulFates: readonly string[] = ['blocked', 'exists', 'missing-inputs', 'over-limit', 'ready'];

async function findAllDoubts(
  { prepared, databases }: PlanInput,
  rows: readonly ExplainedRow[],
): Promise<Why['doubts']> {
  const isOfCatalog = !prepared.isLfn2lfn && prepared.directPath === undefined;
  const disk = isOfCatalog ? makeDisk(surveyBounds) : undefined;
  const doubts: Record<string, RowDoubts> = {};
  for (const row of rows) {
    if (row.dstfile === null || !doubtfulFates.includes(row.fact.fate)) continue;
    doubts[row.dstfile] = await findDoubts(databases.catalog, row, disk);
  }
  return doubts;
}

async function findLogs({ prepared }: PlanInput, rows: readonly ExplainedRow[]): Promise<Why['logs']> {
  const logs: Record<string, FoundLog> = {};
  for (const row of rows) {
    const { fact, dstfile } = row;
    const attempt = fact.fate === 'blocked' ? fact.attempt : undefined;
    if (attempt?.state !== 'failed' && attempt?.state !== 'held') continue;
    const log = await findLog(prepared, row, attempt.inputs ?? '');
    if (log !== undefined && dstfile !== null) logs[dstfile] = log;
  }
  return logs;
}

function isMerged({ rows, attempts }: MergedProducts): boolean {
  return rows.counts.length > 0 || attempts.length > 0;
}

/** The inputs of {@link findWhy}: those of a plan, and the batch system that is asked about jobs. */
export interface WhyInput extends PlanInput {
  readonly backend: BatchBackend;
  /** False: the rule's runs are this one only because it was asked about, which leaves out nothing. */
  readonly isRunChosen?: boolean;
}

/**
 * Finds for a run, or one segment, what the decision is and which fact made it. It is the decision of a dispatch with
 * the same options, limits included. Changes nothing.
 *
 * @throws RuleError, DatabaseError, as {@link planRule}
 */
export async function findWhy(input: WhyInput, question: WhyQuestion): Promise<Why> {
  const { explanation, merged: narrow, cap } = await findExplained(input, question);
  const { backend, databases } = input;
  const isLeftOut = explanation.counts.every(({ fate }) => fate === 'not-selected');
  const absence = isLeftOut ? await findAbsence(input, question) : undefined;
  const isUnfound = absence !== undefined && absence.alone === undefined && !isMerged(narrow);
  const isUndecided = input.isRunChosen === false && narrow.rows.counts.some(({ fate }) => fate === 'not-selected');
  const merged = (isUnfound || isUndecided ? await findMergedRows(input, question) : undefined) ?? narrow;
  const found = [...explanation.rows, ...merged.rows.rows];
  const cupsids = findNamedAttempts(found, merged.attempts);
  const known = {
    rule: input.prepared.rule.name,
    question,
    explanation,
    merged,
    inputsFrom: inputsFrom(input),
    logs: await findLogs(input, found),
    doubts: await findAllDoubts(input, found),
    refused: await findReportsRefused(databases.status, cupsids),
    policy: await findPolicyActions(databases.status, cupsids),
    signs: await findSignsOfLife(databases.status, cupsids),
    standings: await findStandings({ status: databases.status, backend }, found),
    ...present({ cap }),
  };
  if (absence === undefined) return known;
  // For the run alone the query may make another product, which no dispatch like this one would.
  const isPart = isMerged(merged) && (absence.reason.kind === 'query' || absence.reason.kind === 'selection');
  return { ...known, ...(isPart ? { absence: { reason: { kind: 'merged' } } } : { absence }) };
}
