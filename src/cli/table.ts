import Table from 'cli-table3';

import { assertPresent } from '#util/assert-present.ts';

/** Head, rows and optional total of a table, before widths are known. */
export interface TableContent {
  /** Titles; one may have several lines. */
  readonly head: readonly string[];
  /** Each as long as `head`; numbers stand at the right. */
  readonly rows: readonly (readonly (string | number | undefined)[])[];
  /** A last row, set off by a line. */
  readonly total?: readonly (string | number | undefined)[];
}

const lines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/**
 * Renders a table as plain text without colour, for terminal and pipe alike.
 *
 * @param width the widest a line may be, in characters, or `Infinity`; the widest columns are cut (with `…`) to fit
 * @returns lines without trailing spaces, each ended by a newline
 */
export function renderTable(content: TableContent, width = 80): string {
  const titles = content.head.map((title) => title.split('\n'));
  const body = [...content.rows, ...(content.total === undefined ? [] : [content.total])];
  const cells = body.map((row) => content.head.map((_, index) => textOf(row[index])));
  const widths = shortenWidths(
    titles.map((title, index) =>
      cells.reduce((widest, row) => Math.max(widest, assertPresent(row[index], 'a cell').length), widthOf(title)),
    ),
    width - 2 * (content.head.length - 1),
  );
  const rule = widths.map((columnWidth) => '-'.repeat(columnWidth));
  const all = [
    ...[...makeHeadLines(titles), rule],
    ...cells.slice(0, content.rows.length),
    ...(content.total === undefined ? [] : [rule, ...cells.slice(content.rows.length)]),
  ];
  const colAligns = content.head.map((_, index) => (isNumeric(body, index) ? ('right' as const) : ('left' as const)));
  let text = '';
  for (let from = 0; from < all.length; from += rowsAtOnce) {
    const table = new Table({
      chars: lines,
      style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
      colWidths: [...widths],
      colAligns,
    });
    table.push(...all.slice(from, from + rowsAtOnce));
    text += `${table.toString()}\n`;
  }
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The library's time grows with the square of the rows: 150,000 at once took 219 s, in such pieces 9 s (measured). */
const rowsAtOnce = 500;

/** How wide lines may be: as the terminal, at most 160 characters. Nothing is cut in a pipe: its readers need whole values. */
export function findOutputWidth(): number {
  return process.stdout.isTTY ? Math.min(process.stdout.columns, 160) : Infinity;
}

function widthOf(lines: readonly string[]): number {
  return Math.max(...lines.map((line) => line.length));
}

/** The lines above the table; a title of fewer lines stands at the bottom. */
function makeHeadLines(titles: readonly (readonly string[])[]): string[][] {
  const count = Math.max(...titles.map((title) => title.length));
  return Array.from({ length: count }, (_, line) => titles.map((title) => title[line - count + title.length] ?? ''));
}

function textOf(cell: string | number | undefined): string {
  return cell === undefined ? '' : String(cell);
}

function isNumeric(rows: TableContent['rows'], index: number): boolean {
  return rows.every((row) => row[index] === undefined || typeof row[index] === 'number');
}

/** Takes characters from the widest column until the table fits, or each is down to 8. */
function shortenWidths(wanted: readonly number[], room: number): readonly number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, columnWidth) => sum + columnWidth, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= 8) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}
