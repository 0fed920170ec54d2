import { assertPresent } from '#util/assert-present.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { TableContent } from '#cli/table.ts';

import type { ReportTable } from './make-report-table.ts';

type Cell = string | number | undefined;

/** What stands between two columns, in characters. */
const gap = 2;

/**
 * Makes one or more tables of a report, none wider than a terminal. Where it is too wide, titles take several lines; where
 * that is not enough, further columns stand in further tables, each behind the columns that say which row it is.
 *
 * @param width characters, or `Infinity`
 */
export function splitReportTable(table: ReportTable, width: number): readonly TableContent[] {
  const rows = table.rows.map(({ cells }) =>
    cells.map((cell) => (typeof cell === 'string' ? withoutControls(cell) : cell)),
  );
  const cellWidths = table.heads.map((_, index) =>
    rows.reduce((widest, row) => Math.max(widest, String(row[index] ?? '').length), 0),
  );
  const whole = widthOf(table.heads.map((head, index) => Math.max(head.length, cellWidths[index] ?? 0)));
  if (whole <= width) return [{ head: table.heads, rows }];
  const heads = table.heads.map((head, index) => splitTitle(head, cellWidths[index] ?? 0));
  const widths = heads.map((head, index) =>
    Math.max(cellWidths[index] ?? 0, ...head.split('\n').map((line) => line.length)),
  );
  return splitColumns(widths, table.keyCount, width).map((columns) => ({
    head: columns.map((index) => assertPresent(heads[index], 'a title')),
    rows: rows.map((row) => columns.map((index): Cell => row[index])),
  }));
}

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

/** Breaks a title at its underscores, where that makes the column narrower. */
function splitTitle(head: string, cellWidth: number): string {
  const words = head.split('_');
  const widest = Math.max(cellWidth, ...words.map((word) => word.length));
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= widest) lines[lines.length - 1] = `${last}_${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Divides columns among tables; the first `keyCount` are in each. */
function splitColumns(widths: readonly number[], keyCount: number, width: number): readonly (readonly number[])[] {
  const keys = widths.slice(0, keyCount).map((_, index) => index);
  const pieces: number[][] = [];
  let piece: number[] = [];
  for (let index = keyCount; index < widths.length; index += 1) {
    const wider = [...piece, index];
    const isTooWide = widthOf([...keys, ...wider].map((column) => widths[column] ?? 0)) > width;
    if (isTooWide && piece.length > 0) {
      pieces.push(piece);
      piece = [index];
    } else piece = wider;
  }
  pieces.push(piece);
  return pieces.map((columns) => [...keys, ...columns]);
}
