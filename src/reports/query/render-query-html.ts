import { escapeHtml } from '#util/text/escape-html.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import { formatInstant, makeReportTable } from './make-report-table.ts';
import { describeCount, describeNotes, describeReport } from './render-query-reports.ts';

import type { QueryReport, QueryReports } from '#model/report/query-report.ts';

import type { ReportCell } from './make-report-table.ts';

const style = `body { font: 14px/1.4 sans-serif; margin: 1rem }
table { border-collapse: collapse }
th, td { border: 1px solid #bbb; padding: 0.2rem 0.5rem; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }`;

/** Renders the reports of `ramenya query` as a whole page, without script and without colours. */
export function renderQueryHtml({ at, site, mode, reports }: QueryReports): string {
  const names = reports.map(({ report }) => report).join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>ramenya query: ${escapeHtml(names)}</title>
<style>
${style}
</style>
</head>
<body>
<p>${formatInstant(at)} UTC, ${mode} site '${escapeHtml(withoutControls(site))}'</p>
${reports.map((report) => renderReport(report, at)).join('')}</body>
</html>
`;
}

function renderReport(report: QueryReport, at: Date): string {
  const { heads, rows } = makeReportTable(report, at);
  const head = heads.map((title) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const body = rows.map(({ cells }) => `<tr>${cells.map(renderCell).join('')}</tr>\n`).join('');
  const notes = describeNotes(report).map((note) => `<p>${escapeHtml(withoutControls(note))}</p>\n`);
  return `<h2>${escapeHtml(describeReport(report))}</h2>
<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table>
<p>${escapeHtml(describeCount(report))}</p>
${notes.join('')}`;
}

function renderCell(cell: ReportCell): string {
  if (typeof cell === 'number') return `<td class="number">${cell}</td>`;
  return `<td>${escapeHtml(withoutControls(cell ?? ''))}</td>`;
}
