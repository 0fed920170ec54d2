import { countOf } from '#util/count-of.ts';
import { printCount } from '#util/print-count.ts';

import { describeDoubts } from './describe-doubts.ts';
import { describeRefused } from './describe-refused.ts';
import { describeOutside, describeRuns, describeSegments } from './describe-selection.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { HeldAfterEnd, StoppedSubmission } from '#model/job/stuck-jobs.ts';
import type { BlockingAttempt, CompetingRow, InvalidRunEntry, MissingInput } from '#model/report/verdict-fact.ts';
import type { AbsenceReason, ExplainedRow, FoundLog, RowDoubts, RunExplanation, Why } from '#model/report/why.ts';

/** Facts of one kind that are written out; the rest is counted. */
const atMost = 10;

function printTime(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function listed(lines: readonly string[]): readonly string[] {
  const rest = lines.length - atMost;
  return rest > 0 ? [...lines.slice(0, atMost), `and ${printCount(rest)} more`] : lines;
}

function describeAttempt(attempt: BlockingAttempt | undefined, { refused }: Pick<Why, 'refused'>): readonly string[] {
  if (attempt === undefined) return ['its attempt has just been removed: ask again'];
  const { id, state, since, cluster, process, rule, submissionHost, executionNode, exitCode, message } = attempt;
  const where = cluster === 0 ? 'not in the batch system yet' : `job ${cluster}.${process}`;
  const hosts = [
    submissionHost === null ? '' : ` from ${submissionHost}`,
    executionNode === null ? '' : ` on ${executionNode}`,
  ];
  return [
    `attempt ${attempt.attemptNumber} (cupsid ${id}) is ${state}${since === null ? '' : ` since ${printTime(since)}`}`,
    `${where}${hosts.join('')}${rule === null ? '' : `, by rule ${rule}`}`,
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(message === null || message === '' ? [] : [`last message: ${message}`]),
    ...describeRefused(refused[id]),
  ];
}

function describeEntry(entry: InvalidRunEntry): string {
  const runs = entry.lastRun === -1 ? `from ${entry.firstRun} on` : `${entry.firstRun} to ${entry.lastRun}`;
  const reason = entry.reason === null ? '' : `: ${entry.reason}`;
  return (
    `invalid_run_list ${entry.id}: ${entry.dstname}, runs ${runs}, ` +
    `segments ${entry.firstSegment} to ${entry.lastSegment}${reason} (expires ${printTime(entry.expiresAt)})`
  );
}

function describeRow(row: CompetingRow): readonly string[] {
  const extra = Object.entries(row.extra).map(([name, value]) => `${name} ${value ?? 'null'}`);
  return [
    `row ${row.ordinal}: files ${row.files}`,
    ...(row.ranges === null ? [] : [`  fileranges ${row.ranges}`]),
    ...(row.streamname === null ? [] : [`  streamname ${row.streamname}`]),
    ...(extra.length === 0 ? [] : [`  ${extra.join(', ')}`]),
  ];
}

function describeMissing({ lfn, unusable, gone }: MissingInput): readonly string[] {
  return [
    `missing: ${lfn}`,
    ...gone.map((path) => `  '${path}' no longer exists on disk`),
    ...unusable.map((path) => `  '${path}' is not usable: its name differs, or it contains a space or a comma`),
  ];
}

function describeMissingInputs(
  { missing, wanted }: { readonly missing: readonly MissingInput[]; readonly wanted: number },
  inputsFrom: string,
): readonly string[] {
  const goneCount = missing.filter(({ gone }) => gone.length > 0).length;
  const unknownCount = missing.length - goneCount;
  const of = `of ${printCount(wanted)} inputs`;
  return [
    ...(unknownCount === 0 ? [] : [`${printCount(unknownCount)} ${of} are not in ${inputsFrom}`]),
    ...(goneCount === 0 ? [] : [`${printCount(goneCount)} ${of} are in ${inputsFrom}, but not on disk`]),
    ...listed(missing.flatMap(describeMissing)),
  ];
}

// What the verdict itself says of inputs is not said again.
function doubtsBeside({ fact }: ExplainedRow, doubts: RowDoubts): RowDoubts {
  if (fact.fate !== 'missing-inputs') return doubts;
  const named = new Set(fact.missing.flatMap(({ gone }) => gone));
  return { ...doubts, gone: doubts.gone.filter((path) => !named.has(path)) };
}

function describeLog(log: FoundLog | undefined): readonly string[] {
  if (log === undefined) return [];
  return [
    `log: ${log.path}${log.lines.length === 0 ? ' (empty)' : ', which ends:'}`,
    ...log.lines.map((line) => `  ${line}`),
  ];
}

/** How its job stands in the batch system, and what to do about a product that an attempt blocks. */
function adviseBlocked(
  attempt: BlockingAttempt | undefined,
  why: Why,
  doubts: RowDoubts | undefined,
): readonly string[] {
  const { byAttempt, silence } = why.standings;
  const standing = attempt === undefined ? undefined : byAttempt[attempt.id];
  if (standing?.kind === 'stopped') return describeStopped(standing.stop);
  const advice = adviseState(attempt?.state, doubts?.isUnregistered === true);
  const doubt = silence === undefined ? [] : [`the batch system does not report the state of its job: ${silence}`];
  return standing === undefined ? [...doubt, advice] : [...describeHeld(standing.job), advice];
}

function describeStopped({ cluster, kind, reason, unmade }: StoppedSubmission): readonly string[] {
  const which = `cluster ${cluster ?? 'unknown'}`;
  const rest = `${countOf(unmade, 'job')} not created yet`;
  if (kind === 'held') {
    return [
      `it has no job: ${which} is held, with ${rest}: ${reason}`,
      `to resume it: condor_release ${cluster ?? ''}; to end it: --clear-held-jobs`,
    ];
  }
  return [
    `it has no job: the batch system creates no more jobs of ${which}, with ${rest}: ${reason}`,
    "'slurp reconcile', or the next dispatch of the rule, takes back the jobs that were not created",
  ];
}

function describeHeld({ cluster, process, since, reason, code, subcode }: HeldAfterEnd): readonly string[] {
  const at = since === undefined ? '' : ` since ${printTime(new Date(since))}`;
  const number = code === undefined ? '' : ` (hold code ${code}${subcode === undefined ? '' : `/${subcode}`})`;
  return [
    `its job ${cluster}.${process} ended, and is held in the queue${at}${number}: ${reason ?? 'no reason given'}`,
    'to remove the job from the queue: --clear-held-jobs',
  ];
}

// Where no file of the product is in the catalog, none has to be replaced.
function adviseState(state: JobState | undefined, isUnregistered: boolean): string {
  switch (state) {
    case 'finished':
      return `to redo it: ${isUnregistered ? '' : '--resubmit '}--unblock-state finished`;
    case 'failed':
    case 'held':
    case 'evicted':
      return `to try again: --unblock-state ${state}`;
    default:
      return `it is in progress: wait, or run 'slurp reconcile' to ask the batch system`;
  }
}

function describeFact({ fact, dstfile }: ExplainedRow, why: Why): readonly string[] {
  switch (fact.fate) {
    case 'rejected':
      return [`column '${fact.column}' is null, empty or invalid, so the row names no product`];
    case 'not-selected':
      return [
        ...(fact.outside === undefined ? [] : [describeOutside(fact.outside)]),
        ...(fact.attempt === undefined ? [] : describeAttempt(fact.attempt, why)),
      ];
    case 'invalid-run':
      return listed(fact.entries.map(describeEntry));
    case 'blocked':
      return [
        ...describeAttempt(fact.attempt, why),
        ...describeLog(why.logs[dstfile ?? '']),
        ...adviseBlocked(fact.attempt, why, why.doubts[dstfile ?? '']),
      ];
    case 'exists': {
      const datasets = fact.datasets.map((dataset) => `'${dataset}'`).join(', ');
      return [`${fact.filename} is in the catalog, dataset ${datasets}`, 'to redo it: --resubmit'];
    }
    case 'repeated':
    case 'duplicate':
      return listed(fact.rows.flatMap(describeRow));
    case 'missing-inputs':
      return describeMissingInputs(fact, why.inputsFrom);
    case 'unfit':
      return [`its job cannot be submitted: ${fact.reason}`];
    case 'over-limit':
      return [`${countOf(fact.readyBefore, 'ready job')} before it, and the limit is ${printCount(why.cap ?? 0)}`];
    case 'ready':
      return [
        ...(fact.replaces === undefined
          ? []
          : ['replaces an earlier attempt:', ...describeAttempt(fact.replaces, why)]),
        ...listed(fact.inputs.split(',').map((input) => `input ${input}`)),
      ];
  }
}

function renderRow(row: ExplainedRow, why: Why): string {
  const name = row.dstfile ?? `run ${row.run}, segment ${row.segment}`;
  const doubts = why.doubts[row.dstfile ?? ''];
  const lines = [...describeFact(row, why), ...(doubts === undefined ? [] : describeDoubts(doubtsBeside(row, doubts)))];
  return [`${name}: ${row.fact.fate}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

// Rows that compete for a product are shown together, once.
function isFirstOfProduct(row: ExplainedRow, index: number, rows: readonly ExplainedRow[]): boolean {
  const isSame = (other: ExplainedRow): boolean => other.dstfile === row.dstfile && other.fact.fate === row.fact.fate;
  return row.fact.fate !== 'duplicate' || rows.findIndex(isSame) === index;
}

function renderExplanation(explanation: RunExplanation, why: Why): readonly string[] {
  const total = explanation.counts.reduce((sum, { count }) => sum + count, 0);
  const counts = explanation.counts.map(({ fate, count }) => `${printCount(count)} ${fate}`).join(', ');
  const rest = total - explanation.rows.length;
  return [
    ...(total > 1 ? [`${printCount(total)} rows: ${counts}`] : []),
    ...explanation.rows.filter(isFirstOfProduct).map((row) => renderRow(row, why)),
    ...(rest > 0 ? [`and ${printCount(rest)} more: add a segment to see one of them`] : []),
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
function looksLikeRun(segment: number, run: number): boolean {
  return segment >= 1000 && String(segment).length === String(run).length;
}

function renderAbsence({ explanation, absence, question }: Why): readonly string[] {
  if (absence === undefined || explanation.counts.length > 0) return [];
  if (absence.reason.kind === 'merged') return ['the query has no row for this run by itself'];
  const { run, segment } = question;
  const isMistyped = segment !== undefined && looksLikeRun(segment, run);
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
