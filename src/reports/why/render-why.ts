import { describeAttempt } from '#db/decide/explain/describe-attempt.ts';
import { describeRuns, describeSegments } from '#db/decide/explain/describe-selection.ts';
import { describeFact } from '#db/decide/verdicts/verdict-parts.ts';
import { formatCount } from '#util/text/format-count.ts';

import { describeDoubts } from './describe-doubts.ts';

import type { AbsenceReason, ExplainedRow, RowDoubts, RunExplanation, Why } from '#model/report/why.ts';

// What the verdict itself says of inputs is not said again.
function otherDoubtsOf({ fact }: ExplainedRow, doubts: RowDoubts): RowDoubts {
  if (fact.fate !== 'missing-inputs') return doubts;
  const named = new Set(fact.missing.flatMap(({ gone }) => gone));
  return { ...doubts, gone: doubts.gone.filter((path) => !named.has(path)) };
}

function renderRow(row: ExplainedRow, why: Why): string {
  const name = row.dstfile ?? `run ${row.run}, segment ${row.segment}`;
  const doubts = why.doubts[row.dstfile ?? ''];
  const lines = [
    ...describeFact(row.fact, why, row),
    ...(doubts === undefined ? [] : describeDoubts(otherDoubtsOf(row, doubts))),
  ];
  return [`${name}: ${row.fact.fate}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

// Rows that compete for a product are shown together, once.
function isFirstOfProduct(row: ExplainedRow, index: number, rows: readonly ExplainedRow[]): boolean {
  const isSame = (other: ExplainedRow): boolean => other.dstfile === row.dstfile && other.fact.fate === row.fact.fate;
  return row.fact.fate !== 'duplicate' || rows.findIndex(isSame) === index;
}

function renderExplanation(explanation: RunExplanation, why: Why): readonly string[] {
  const total = explanation.counts.reduce((sum, { count }) => sum + count, 0);
  const counts = explanation.counts.map(({ fate, count }) => `${formatCount(count)} ${fate}`).join(', ');
  const rest = total - explanation.rows.length;
  return [
    ...(total > 1 ? [`${formatCount(total)} rows: ${counts}`] : []),
    ...explanation.rows.filter(isFirstOfProduct).map((row) => renderRow(row, why)),
    ...(rest > 0 ? [`and ${formatCount(rest)} more: add a segment to see one of them`] : []),
  ];
}

function describeReason(reason: AbsenceReason, run: number): string {
  switch (reason.kind) {
    case 'runs':
      return describeRuns(reason.selection, reason.cursor);
    case 'segments':
      return describeSegments(reason.selection);
    case 'limit':
      return `'--limit ${reason.limit}' in the query cuts it off`;
    case 'selection':
      return `the query returns it with '--runs ${run}', but not with these options`;
    case 'merged':
      return 'it is part of another product';
    case 'query':
      return reason.hasOtherSegments
        ? 'the query returns other segments of the run, but not this one'
        : "the query returns no row for it with any selection: its own conditions exclude it (see '--print-query')";
  }
}

/** Segments count from 0, runs have five digits: a segment that is as long as the run was meant to be another one. */
function isLikelyRun(segment: number, run: number): boolean {
  return segment >= 1000 && String(segment).length === String(run).length;
}

function renderAbsence({ explanation, absence, question }: Why): readonly string[] {
  if (absence === undefined || explanation.counts.length > 0) return [];
  if (absence.reason.kind === 'merged') return ['the query has no row for this run by itself'];
  const { run, segment } = question;
  const isMistyped = segment !== undefined && isLikelyRun(segment, run);
  return [
    `not a candidate: ${describeReason(absence.reason, run)}`,
    ...(isMistyped ? [`  '--why' takes one run, and a segment of it; for run ${segment}: '--why ${segment}'`] : []),
  ];
}

function renderMerged(why: Why): readonly string[] {
  const { rows, attempts } = why.merged;
  if (rows.counts.length === 0 && attempts.length === 0) return [];
  return [
    `run ${why.question.run} is merged into:`,
    ...renderExplanation(rows, why),
    ...attempts.flatMap((attempt) => [
      `${attempt.dstfile}: dispatched with its files`,
      ...describeAttempt(attempt, why).map((line) => `  ${line}`),
    ]),
  ];
}

/** Writes the answer as text: the verdict of each row, and under it the fact behind it. */
export function renderWhy(why: Why): string {
  const { run, segment } = why.question;
  const what = `run ${run}${segment === undefined ? '' : `, segment ${segment}`}`;
  const alone = why.absence?.alone;
  const lines = [
    `${why.rule}, ${what}`,
    ...renderExplanation(why.explanation, why),
    ...renderAbsence(why),
    ...(alone === undefined ? [] : [`with '--runs ${run}' it would be:`, ...renderExplanation(alone, why)]),
    ...renderMerged(why),
  ];
  return `${lines.join('\n')}\n`;
}
