import { parseNumberFormat } from './number-format.ts';

import type { NumberFormat } from './number-format.ts';

/** A piece of a text with HTCondor's macros in it; `offset` counts in the whole text. */
export type MacroToken =
  | { readonly kind: 'text'; readonly text: string }
  /** `$(name)` or `$(name:default)`; the name in lower case. */
  | (Macro & { readonly kind: 'named'; readonly name: string; readonly fallback?: readonly MacroToken[] })
  /** `$INT(item,format)` or `$REAL(item,format)`; a bare name as item means its macro. */
  | (Macro & { readonly kind: 'number'; readonly item: readonly MacroToken[]; readonly format: NumberFormat })
  /** `$$([expression])`. */
  | (Macro & { readonly kind: 'expression'; readonly body: readonly MacroToken[] })
  /** Functions that only HTCondor has, and what is not a macro at all: kept as written. */
  | (Macro & { readonly kind: 'left-to-batch' | 'malformed' });

/** A macro as it is written, and where. */
export interface Macro {
  readonly macro: string;
  readonly offset: number;
}

/** Offset behind the bracket that closes the one at `open`; -1 where none does. */
function endOfBracket(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

function parseNamed(body: string, at: Macro): MacroToken {
  const fields = /^\s*([A-Za-z0-9_.]+)\s*(?::([\s\S]*))?$/.exec(body);
  const name = fields?.[1]?.toLowerCase();
  if (name === undefined) return { ...at, kind: 'malformed' };
  if (name === 'dollar') return { kind: 'text', text: '$' };
  const fallback = fields?.[2];
  if (fallback === undefined) return { ...at, kind: 'named', name };
  const offset = at.offset + at.macro.length - 1 - fallback.length;
  return { ...at, kind: 'named', name, fallback: parseMacros(fallback, offset) };
}

function parseNumber(body: string, isReal: boolean, at: Macro): MacroToken {
  const [, item = '', written = ''] = /^([^,]*)(?:,\s*([\s\S]*))?$/.exec(body) ?? [];
  const formatText = written === '' ? (isReal ? '%.16G' : '%d') : written;
  const format = parseNumberFormat(formatText, isReal ? 'real' : 'integer');
  if (format === undefined) return { ...at, kind: 'malformed' };
  const isName = /^\s*[A-Za-z_][A-Za-z0-9_.]*\s*$/.test(item);
  return { ...at, kind: 'number', format, item: isName ? [parseNamed(item, at)] : parseMacros(item, at.offset + 5) };
}

/** One macro that begins at this `$`; undefined where it is only a character. */
function parseMacro(text: string, start: number, base: number): MacroToken | undefined {
  const head = /^(?:\$\$\(|\$([A-Za-z_]*)\()/.exec(text.slice(start, start + 40));
  if (head === null) return undefined;
  const end = endOfBracket(text, start + head[0].length - 1);
  if (end < 0) return { macro: text.slice(start), offset: base + start, kind: 'malformed' };
  const at = { macro: text.slice(start, end), offset: base + start };
  const body = at.macro.slice(head[0].length, -1);
  if (head[0] === '$$(') {
    if (!body.startsWith('[') || !body.endsWith(']')) return { kind: 'text', text: at.macro };
    return { ...at, kind: 'expression', body: parseMacros(body.slice(1, -1), at.offset + 4) };
  }
  if (head[1] === '') return parseNamed(body, at);
  if (head[1] === 'INT' || head[1] === 'REAL') return parseNumber(body, head[1] === 'REAL', at);
  return { ...at, kind: 'left-to-batch' };
}

/**
 * Cuts a text into macros and what stands between them. Never throws; a `$` that begins no macro is a character.
 *
 * @param base added to all offsets
 * @see https://htcondor.readthedocs.io/en/latest/man-pages/condor_submit.html
 */
export function parseMacros(text: string, base = 0): readonly MacroToken[] {
  const tokens: MacroToken[] = [];
  let at = 0;
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', at)) {
    const macro = parseMacro(text, dollar, base);
    const length = macro === undefined ? 1 : lengthOf(macro, text, dollar);
    tokens.push({ kind: 'text', text: text.slice(at, dollar) }, macro ?? { kind: 'text', text: '$' });
    at = dollar + length;
  }
  tokens.push({ kind: 'text', text: text.slice(at) });
  return tokens;
}

/** How many characters a macro takes up; one that was taken as text is measured again. */
function lengthOf(token: MacroToken, text: string, start: number): number {
  return 'macro' in token ? token.macro.length : endOfBracket(text, text.indexOf('(', start)) - start;
}
