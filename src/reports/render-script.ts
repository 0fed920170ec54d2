import { renderTable } from '#cli/table.ts';
import { assertPresent } from '#util/assert-present.ts';

import type { ScriptResult } from '#db/connect.ts';

// Type ids of PostgreSQL's catalog pg_type, which never change.
const integerTypes: ReadonlySet<number> = new Set([20, 21, 23, 26]);
const floatTypes: ReadonlySet<number> = new Set([700, 701]);
const jsonTypes: ReadonlySet<number> = new Set([114, 3802]);
const booleanType = 16;

/** Columns are not cut further than this, see `cli/table.ts`. */
const leastColumn = 8;

function cellOf(text: string | null, typeId: number): string | number | undefined {
  if (text === null) return undefined;
  if (integerTypes.has(typeId) && Number.isSafeInteger(Number(text))) return Number(text);
  return text;
}

function renderRecords({ columns, rows }: ScriptResult): string {
  const nameWidth = Math.max(...columns.map(({ name }) => name.length));
  const records = rows.map((row, index) =>
    [
      `-- row ${index + 1}`,
      ...columns.map(({ name }, position) => `${name.padEnd(nameWidth)}  ${row[position] ?? ''}`.trimEnd()),
    ].join('\n'),
  );
  return `${records.join('\n')}\n`;
}

function renderResult(result: ScriptResult, width: number): string {
  const { columns, rows, command, rowCount } = result;
  if (columns.length === 0) return `${command} ${rowCount}\n`;
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`;
  const widths = columns.map(({ name }, position) =>
    Math.min(
      leastColumn,
      rows.reduce((widest, row) => Math.max(widest, row[position]?.length ?? 0), name.length),
    ),
  );
  const least = widths.reduce((sum, column) => sum + column + 2, -2);
  if (least > width) return `${rows.length > 0 ? renderRecords(result) : ''}${count}`;
  const cells = rows.map((row) =>
    row.map((text, position) => cellOf(text, assertPresent(columns[position], 'a column').typeId)),
  );
  return `${renderTable({ head: columns.map(({ name }) => name), rows: cells }, width)}${count}`;
}

/** Renders the results of statements for reading: a table each, or where it has too many columns a line a value. */
export function renderScript(results: readonly ScriptResult[], width = 80): string {
  return results.map((result) => renderResult(result, width)).join('\n');
}

function encodeCsvCell(text: string | null): string {
  if (text === null) return '';
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Renders the rows of statements as CSV with a head, as PostgreSQL writes it: nothing for null, `""` for an empty text. */
export function renderScriptCsv(results: readonly ScriptResult[]): string {
  return results
    .filter(({ columns }) => columns.length > 0)
    .map(({ columns, rows }) =>
      [columns.map(({ name }) => name), ...rows].map((row) => `${row.map(encodeCsvCell).join(',')}\n`).join(''),
    )
    .join('\n');
}

function toJsonValue(text: string | null, typeId: number): unknown {
  if (text === null) return null;
  if (typeId === booleanType) return text === 't';
  if (integerTypes.has(typeId) || floatTypes.has(typeId)) {
    const number = Number(text);
    return Number.isFinite(number) && (floatTypes.has(typeId) || Number.isSafeInteger(number)) ? number : text;
  }
  return jsonTypes.has(typeId) ? JSON.parse(text) : text;
}

/** Makes JSON-able rows of the results: those of the one statement that returns any, else a list for each statement. */
export function makeScriptRows(results: readonly ScriptResult[]): readonly unknown[] {
  const lists = results.map(({ command, rowCount, columns, rows }) =>
    columns.length === 0
      ? { command, rowCount }
      : rows.map((row) =>
          Object.fromEntries(columns.map(({ name, typeId }, index) => [name, toJsonValue(row[index] ?? null, typeId)])),
        ),
  );
  const [only] = lists;
  return lists.length === 1 && Array.isArray(only) ? only : lists;
}
