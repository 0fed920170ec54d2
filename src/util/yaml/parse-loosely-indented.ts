import { LineCounter, parseDocument, visit } from 'yaml';

import type { Document, ParseOptions } from 'yaml';

type Options = Parameters<typeof parseDocument>[1] & ParseOptions;

/** One quoted value or collection in brackets, by its offsets: the first of it, and the first behind it. */
type Span = readonly [number, number];

/**
 * Parses YAML as PyYAML takes it: a value in quotes or brackets may go on in lines that are indented less than its key. The
 * parser reads such values as one line; their values are worked out from the lines as written. All offsets are those of `text`.
 *
 * @returns with the errors of the text as it is, if that is not the reason for them
 */
export function parseLooselyIndented(text: string, options: Options): Document.Parsed {
  const first = parseDocument(text, options);
  let document = first;
  let joined = text;
  const spans: Span[] = [];
  while (document.errors.length > 0 && spans.length < 1000) {
    const span = findLooseSpan(document, joined);
    if (span === undefined) return first;
    spans.push(span);
    joined = joined.slice(0, span[0]) + joinLines(joined.slice(...span)) + joined.slice(span[1]);
    document = parseDocument(joined, { ...options, lineCounter: new LineCounter() });
  }
  if (document.errors.length > 0) return first;
  if (spans.length > 0) putValues(document, text, spans);
  return document;
}

function findLooseSpan({ errors, contents }: Document.Parsed, text: string): Span | undefined {
  for (const { code, message, pos } of errors) {
    const isQuote = code === 'MISSING_CHAR' && /^Missing closing ["']quote/u.test(message);
    const isFlow = code === 'BAD_INDENT' && /^Flow (?:map|sequence) in block collection/u.test(message);
    if (!isQuote && !isFlow) continue;
    let begin: number | undefined;
    visit(contents, {
      Node: (_key, node) => {
        const [from, , to] = node.range ?? [0, 0, 0];
        const sign = text.charAt(from);
        if ((isQuote ? `"'` : '[{').includes(sign) && sign !== '' && from <= pos[0] && pos[0] <= to) begin ??= from;
      },
    });
    if (begin === undefined) continue;
    const end = endOfValue(text, begin);
    if (end !== undefined && /\n/u.test(text.slice(begin, end))) return [begin, end];
  }
  return undefined;
}

/** Where a value in quotes or brackets ends; undefined where it does not, or another document begins in it. */
function endOfValue(text: string, begin: number): number | undefined {
  let depth = 0;
  const piece = /"(?:[^"\\]|\\[^])*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|[[{\]}]|["']/gu;
  piece.lastIndex = begin;
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) {
    const [sign] = found;
    if (sign === '"' || sign === "'") return undefined;
    if ('[{'.includes(sign)) depth += 1;
    if (']}'.includes(sign)) depth -= 1;
    if (depth > 0) continue;
    const end = found.index + sign.length;
    return /\n(?:---|\.\.\.)\s/u.test(text.slice(begin, end)) ? undefined : end;
  }
  return undefined;
}

/** As long as before, in one line; comments and folded white space are spaces. */
function joinLines(value: string): string {
  return value.replaceAll(/"(?:[^"\\]|\\[^])*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|\n/gu, (piece) =>
    piece.startsWith('#') ? ' '.repeat(piece.length) : piece.replaceAll('\n', ' '),
  );
}

/** Gives the quoted values within the spans what their lines mean. */
function putValues(document: Document.Parsed, text: string, spans: readonly Span[]): void {
  visit(document, {
    Scalar: (_key, node) => {
      const [from, to] = node.range ?? [0, 0];
      const written = text.slice(from, to);
      if (!written.includes('\n')) return;
      if (!spans.some(([begin, end]) => begin <= from && to <= end)) return;
      if (!/^["']/u.test(written)) {
        node.value = written.trim().replaceAll(/[ \t]*\n\s*/gu, ' ');
        return;
      }
      const { contents } = parseDocument(`- ${written.replaceAll('\n', '\n  ')}`, { schema: 'failsafe' });
      visit(contents, {
        Scalar: (_itemKey, item) => {
          node.value = item.value;
        },
      });
    },
  });
}
