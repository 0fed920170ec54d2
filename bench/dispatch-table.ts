import { steps } from './dispatch-figures.ts';

import type { Summary } from './dispatch-summary.ts';

const labelWidth = 24;
const cellWidth = 17;

/** The figures as a table, no line longer than 80 characters. */
export function renderTable(summary: readonly Summary[]): string {
  const line = (label: string, cell: (one: Summary) => string): string =>
    `${label.padEnd(labelWidth)}${summary.map((one) => cell(one).padStart(cellWidth)).join('')}`.trimEnd();
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const timed = (label: string, msOf: (one: Summary) => number): string =>
    line(label, (one) => {
      const perSecond = Math.round(one.jobs / Math.max(msOf(one) / 1000, 0.001));
      return `${seconds(msOf(one))} ${String(perSecond).padStart(8)}`;
    });
  const ratio = (label: string, of: (one: Summary) => number): string => line(label, (one) => of(one).toFixed(2));
  const rule = '-'.repeat(labelWidth + cellWidth * summary.length);
  return `${[
    line('', ({ jobs }) => `${jobs.toLocaleString('en')} jobs`),
    line('', () => 's   jobs/s'),
    rule,
    ...steps.map((step) => timed(step, ({ phases }) => phases[step])),
    timed('start, report', ({ restMs }) => restMs),
    timed('kaedama, whole', ({ wallMs }) => wallMs),
    rule,
    line('its CPU [s]', ({ cpuMs }) => seconds(cpuMs)),
    line("the database's CPU [s]", ({ databaseCpuMs }) => seconds(databaseCpuMs)),
    line('peak memory [MB]', ({ peakMb }) => String(peakMb)),
    line('condor_submit calls', ({ submissions }) => String(submissions)),
    rule,
    timed('bare condor_submit', ({ bareSubmitMs }) => bareSubmitMs),
    timed('bare insert', ({ bareInsertMs }) => bareInsertMs),
    timed('bare update', ({ bareUpdateMs }) => bareUpdateMs),
    ratio('submit / bare', ({ phases, bareSubmitMs }) => phases.submit / bareSubmitMs),
    ratio('reserve / bare', ({ phases, bareInsertMs }) => phases.reserve / bareInsertMs),
    ratio('confirm / bare', ({ phases, bareUpdateMs }) => phases.confirm / bareUpdateMs),
    ratio('whole / bare sum', (one) => one.wallMs / (one.bareSubmitMs + one.bareInsertMs + one.bareUpdateMs)),
  ].join('\n')}\n`;
}
