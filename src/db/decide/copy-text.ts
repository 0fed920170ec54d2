import { assertPresent } from '#util/assert-present.ts';

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/**
 * One line of COPY's text format, with its line break.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html
 */
export function encodeCopyLine(values: readonly string[]): string {
  return `${values.map((value) => value.replaceAll(/[\\\t\n\r]/g, (character) => assertPresent(escapes[character], 'the escape of a character'))).join('\t')}\n`;
}

/** Joins lines to pieces of about 64 kB, for fewer and larger packets. */
export async function* joinPieces(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length >= 65_536) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}
