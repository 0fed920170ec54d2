import { explainRun } from '#db/decide/explain-run.ts';
import { takesRun, takesSegment } from '#model/row-selection.ts';
import { prepareRule } from '#rules/prepare-rule.ts';

import { planRule } from '../plan-rule.ts';
import { findLog } from './find-log.ts';

import type { RunExplanation } from '#db/decide/explain-run.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { RunSelection, SegmentSelection } from '#model/run-selection.ts';

import type { PlanInput } from '../plan-rule.ts';
import type { FoundLog } from './find-log.ts';

/** What is asked: a run, or one segment of it. */
export interface WhyQuestion {
  readonly run: number;
  readonly segment?: number;
}

/** Why the query returns no row: a part of the selection that leaves the run out, or nothing that we know of. */
export type AbsenceReason =
  | { readonly kind: 'runs'; readonly selection: RunSelection; readonly cursor: number }
  | { readonly kind: 'segments'; readonly selection: SegmentSelection }
  /** The row is there for this run alone: `--limit` cuts it off, or the selection where we cannot tell how. */
  | { readonly kind: 'limit'; readonly limit: number }
  | { readonly kind: 'selection' }
  /** No row for the run, whatever is selected: the query's own conditions leave it out. */
  | { readonly kind: 'query'; readonly hasOtherSegments: boolean };

/** The answer to a {@link WhyQuestion}. */
export interface Why {
  readonly rule: string;
  readonly question: WhyQuestion;
  readonly explanation: RunExplanation;
  /** Ready jobs at most, where there is a limit. */
  readonly cap?: number;
  /** Where inputs were looked for. */
  readonly inputsFrom: string;
  /** Of attempts that failed or are held, by product; only where there is a log. */
  readonly logs: Readonly<Record<string, FoundLog>>;
  /** Only where the query returns no row, or none that was asked for. */
  readonly absence?: {
    readonly reason: AbsenceReason;
    /** What would be with `--runs RUN` alone; absent where there is no row either. */
    readonly alone?: RunExplanation;
  };
}

function likelyReason(options: RunOptions, question: WhyQuestion): AbsenceReason {
  const { runs, cursor, segments, limit } = options;
  if (!takesRun(runs, cursor, question.run)) return { kind: 'runs', selection: runs, cursor };
  if (segments !== undefined && (question.segment === undefined || !takesSegment(segments, question.segment))) {
    return { kind: 'segments', selection: segments };
  }
  return limit > 0 ? { kind: 'limit', limit } : { kind: 'selection' };
}

function inputsFrom({ prepared }: PlanInput): string {
  if (prepared.isLfn2lfn) return 'the query itself';
  return prepared.directPath === undefined ? "the catalog's files" : `direct_path '${prepared.directPath}'`;
}

async function explain(
  input: PlanInput,
  question: WhyQuestion,
): Promise<{ readonly explanation: RunExplanation; readonly cap?: number }> {
  const plan = await planRule(input);
  try {
    const explanation = await explainRun(plan.session, plan.decision, input.databases.catalog, question);
    const { cap } = plan.request;
    return { explanation, ...(cap === undefined ? {} : { cap }) };
  } finally {
    await plan.close();
  }
}

// The same rule for this run alone: what is left out now is left out by the query, not by the selection.
async function explainAbsence(input: PlanInput, question: WhyQuestion): Promise<Why['absence']> {
  const { rule, options } = input.prepared;
  const { segments: _segments, ...rest } = options;
  const preparation = prepareRule(rule, { ...rest, runs: { kind: 'one', run: question.run }, limit: 0 });
  if (preparation.kind === 'refused') return { reason: { kind: 'selection' } };
  const { maxJobs: _maxJobs, ...unlimited } = input;
  const { explanation } = await explain({ ...unlimited, prepared: preparation.prepared }, { run: question.run });
  const { segment } = question;
  const isThere = explanation.counts.length > 0;
  if (segment === undefined) {
    return isThere
      ? { reason: likelyReason(options, question), alone: explanation }
      : { reason: { kind: 'query', hasOtherSegments: false } };
  }
  const { explanation: alone } = await explain({ ...unlimited, prepared: preparation.prepared }, question);
  return alone.counts.length > 0
    ? { reason: likelyReason(options, question), alone }
    : { reason: { kind: 'query', hasOtherSegments: isThere } };
}

async function findLogs({ prepared }: PlanInput, { rows }: RunExplanation): Promise<Why['logs']> {
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

/**
 * Tells for a run, or one segment, what the decision is and which fact made it. It is the decision of a dispatch with
 * the same options, limits included. Changes nothing.
 *
 * @throws RuleError, DatabaseError, as {@link planRule}
 */
export async function findWhy(input: PlanInput, question: WhyQuestion): Promise<Why> {
  const { explanation, cap } = await explain(input, question);
  const known = {
    rule: input.prepared.rule.name,
    question,
    explanation,
    inputsFrom: inputsFrom(input),
    logs: await findLogs(input, explanation),
    ...(cap === undefined ? {} : { cap }),
  };
  if (explanation.counts.some(({ fate }) => fate !== 'not-selected')) return known;
  const absence = await explainAbsence(input, question);
  return absence === undefined ? known : { ...known, absence };
}
