import { withStyle } from '#cli/colour.ts';
import { renderTable } from '#cli/table.ts';
import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';
import { shorten } from '#util/text/shorten.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import { formatInstant, makeReportTable } from './make-report-table.ts';
import { splitReportTable } from './split-report-table.ts';

import type { Style } from '#cli/colour.ts';
import type { QueryReport, QueryReports } from '#model/report/query-report.ts';

import type { RowTone } from './make-report-table.ts';

/** How reports are rendered. */
export interface QueryView {
  /** Characters in a line at most, or `Infinity`. */
  readonly width: number;
  readonly isColoured: boolean;
}

const styles: Readonly<Record<RowTone, Style>> = { good: 'green', new: 'yellow', bad: 'red' };

/** Renders the reports of `ramenya query` as tables; a table that is too wide continues below itself. */
export function renderQueryReports({ at, site, mode, reports }: QueryReports, view: QueryView): string {
  const first = `${formatInstant(at)} UTC, ${mode} site '${withoutControls(site)}'\n`;
  return [first, ...reports.map((report) => renderReport(report, at, view))].join('\n');
}

function renderReport(report: QueryReport, at: Date, { width, isColoured }: QueryView): string {
  const painted = (text: string, style: Style): string => (isColoured && text !== '' ? withStyle(text, style) : text);
  const table = makeReportTable(report, at);
  const tables = table.rows.length === 0 ? [] : splitReportTable(table, width);
  const pieces = tables.map(({ head, rows }) => {
    const lines = renderTable({ head, rows }, width).trimEnd().split('\n');
    const above = lines.length - rows.length;
    return lines
      .map((line, index) => painted(line, index < above ? 'bold' : styles[table.rows[index - above]?.tone ?? 'good']))
      .join('\n');
  });
  const body = pieces.length === 0 ? [] : [pieces.join('\n\n')];
  const notes = describeNotes(report).map((note) => painted(shorten(withoutControls(note), width), 'red'));
  return `${[painted(describeReport(report), 'bold'), ...body, describeCount(report), ...notes].join('\n')}\n`;
}

/** Describes what a report is about: its name, and the earliest submission. */
export function describeReport({ report, since }: QueryReport): string {
  return since === undefined ? report : `${report}: submitted after ${formatInstant(since)}`;
}

/** Describes what else is known about a report, one sentence each. */
export function describeNotes(report: QueryReport): readonly string[] {
  const stops = report.report === 'held' ? report.stops : [];
  const silence = report.report === 'held' || report.report === 'condor' ? report.silence : undefined;
  return [
    ...stops.map(
      ({ rule, cluster, kind, reason, unmade }) =>
        `${rule}, cluster ${cluster ?? 'unknown'}: ${kind}, ${countOf(unmade, 'job')} not made: ${reason}`,
    ),
    ...(silence === undefined ? [] : [`Incomplete: the batch system did not answer: ${silence}`]),
  ];
}

/** Describes how many rows a report has, and how many it leaves out. */
export function describeCount({ rows, leftOut }: QueryReport): string {
  const count = `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`;
  return leftOut === 0 ? `(${count})` : `(${count}, ${formatCount(leftOut)} more left out: '--limit 0' shows all)`;
}
