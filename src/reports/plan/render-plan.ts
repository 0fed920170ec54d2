import { verdictParts } from '#db/decide/verdicts/verdict-parts.ts';
import { verdicts } from '#model/verdict.ts';
import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';

import type { Funnel } from '#model/report/funnel.ts';
import type { PlanReport } from '#model/report/plan.ts';

function lineOf(sign: string, count: number, text: string): string {
  return `${sign} ${formatCount(count).padStart(11)}  ${text}`;
}

/** Writes the funnel as lines of at most 80 columns: rows of the query, what is taken off and why, what is ready. */
export function renderFunnel(funnel: Funnel): readonly string[] {
  const { rows, faults, candidates, counts, blockedByState } = funnel;
  const lost = funnel.findings?.find(({ kind }) => kind === 'not-in-catalog')?.count ?? 0;
  const states = Object.entries(blockedByState).map(
    ([state, count]) =>
      `${formatCount(count)} ${state}${state === 'finished' && lost > 0 ? `, ${formatCount(lost)} of them not in the catalog` : ''}`,
  );
  const lines = [lineOf(' ', rows, rows === 1 ? 'row of the query' : 'rows of the query')];
  if (faults.rejected > 0) lines.push(lineOf('-', faults.rejected, verdictParts.rejected.meaning));
  if (faults.repeated > 0) lines.push(lineOf('-', faults.repeated, verdictParts.repeated.meaning));
  if (candidates !== rows) lines.push(lineOf('=', candidates, candidates === 1 ? 'candidate' : 'candidates'));
  for (const verdict of verdicts) {
    if (verdict === 'ready' || counts[verdict] === 0) continue;
    lines.push(lineOf('-', counts[verdict], verdictParts[verdict].meaning));
    if (verdict === 'blocked') lines.push(...states.map((text) => `${' '.repeat(17)}${text}`));
  }
  lines.push(lineOf('=', counts.ready, 'ready'));
  return lines;
}

/**
 * Writes a plan as text, piece by piece: the funnel, then a line for each ready job (dstfile, number of inputs, the
 * attempt it replaces), then warnings, then what a dispatch would be refused for.
 */
export async function* renderPlan(plan: PlanReport): AsyncGenerator<string> {
  yield `${[`${plan.rule}: ${plan.dstname}`, ...renderFunnel(plan.funnel)].join('\n')}\n`;
  if (plan.funnel.counts.ready > 0) yield '\n';
  for await (const rows of plan.ready) {
    const lines = rows.map(({ dstfile, inputs, replaces }) => {
      const old = replaces === undefined ? '' : `, replaces ${replaces}`;
      return `${dstfile}  ${countOf(inputs.split(',').length, 'input')}${old}\n`;
    });
    yield lines.join('');
  }
  const warnings = plan.funnel.warnings.map(({ message }) => `warning: ${message}\n`);
  const notes = [
    ...warnings,
    ...plan.refusals.map((refusal) => `note: a dispatch would refuse this now: ${refusal}\n`),
  ];
  if (notes.length > 0) yield `\n${notes.join('')}`;
}

/** Writes a plan as one JSON document, piece by piece: `{rule, dstname, funnel, refusals: [sentence, …], ready: [CandidateRow, …]}`. */
export async function* renderPlanJson({ ready, ...head }: PlanReport): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"ready":[`;
  let separator = '';
  for await (const rows of ready) {
    yield separator + rows.map((row) => JSON.stringify(row)).join(',\n');
    separator = ',\n';
  }
  yield ']}\n';
}
