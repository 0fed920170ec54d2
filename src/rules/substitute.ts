import { assertPresent } from '#util/assert-present.ts';

import { formatValue } from './text/format-value.ts';

/** What a format field may stand for: a text, or a record whose parts are reached by `{x.part}` and `{x[part]}`. */
export type FieldValue = string | { readonly [part: string]: FieldValue };

/**
 * Finds what a format field stands for, by its first name; undefined where nothing is known by that name. `offset` is
 * where the field begins in the template.
 */
export type FindField = (name: string, offset?: number) => FieldValue | undefined;

/** A field that cannot be resolved, or braces that do not close. */
export interface FieldProblem {
  /** In the template. */
  readonly offset: number;
  /** The whole field as written, or the brace. */
  readonly field: string;
  /** The first name of the field; absent where it is not about a name. */
  readonly name?: string;
  readonly message: string;
  readonly expected: string;
}

/** A stretch of the result, and where it comes from. */
interface Piece {
  /** In the result. */
  readonly at: number;
  /** In the template. */
  readonly offset: number;
  readonly isField: boolean;
}

/** A finished text, everything that was wrong with its template, and the way back from it. */
export interface Substituted {
  readonly text: string;
  readonly problems: readonly FieldProblem[];
  /** Where a character of the result comes from: its offset in the template; all of a field's value come from its brace. */
  readonly originOf: (offset: number) => number;
}

type Token =
  | { readonly kind: 'literal'; readonly offset: number; readonly text: string }
  | { readonly kind: 'field'; readonly offset: number; readonly source: string }
  | { readonly kind: 'stray'; readonly offset: number; readonly text: '{' | '}' };

/** End of a field that begins at `offset`, behind its closing brace; -1 where it does not close. */
function endOfField(template: string, offset: number): number {
  let depth = 0;
  for (let at = offset; at < template.length; at++) {
    if (template[at] === '{') depth++;
    if (template[at] === '}' && --depth === 0) return at + 1;
  }
  return -1;
}

/** Cuts a template as Python's `str.format` does; a brace that has no partner is kept as text and reported. */
function splitTemplate(template: string): readonly Token[] {
  const tokens: Token[] = [];
  const literal = (offset: number, text: string): void => {
    if (text !== '') tokens.push({ kind: 'literal', offset, text });
  };
  let at = 0;
  while (at < template.length) {
    const next = /[{}]/.exec(template.slice(at));
    if (next === null) break;
    const brace = at + next.index;
    literal(at, template.slice(at, brace));
    const isOpening = template[brace] === '{';
    if (template[brace + 1] === template[brace]) {
      literal(brace, isOpening ? '{' : '}');
      at = brace + 2;
      continue;
    }
    const end = isOpening ? endOfField(template, brace) : -1;
    if (end < 0) {
      tokens.push({ kind: 'stray', offset: brace, text: isOpening ? '{' : '}' });
      at = brace + 1;
    } else {
      tokens.push({ kind: 'field', offset: brace, source: template.slice(brace, end) });
      at = end;
    }
  }
  literal(at, template.slice(at));
  return tokens;
}

/** The parts of a field: `{name.part[part]!conversion:spec}`. */
interface Field {
  readonly name: string;
  readonly parts: readonly string[];
  readonly conversion: string;
  readonly spec: string;
}

function parseField(source: string): Field | undefined {
  const fields = /^\{\s*([^.[\]!:{}]+?)((?:\.[^.[\]!:{}]+|\[[^\]]*\])*)\s*(?:!([rsa]))?(?::([\s\S]*))?\}$/.exec(source);
  if (fields === null) return undefined;
  const [, name = '', access = '', conversion = '', spec = ''] = fields;
  const parts = [...access.matchAll(/\.([^.[\]]+)|\[([^\]]*)\]/g)].map(
    (match) => match[1] ?? assertPresent(match[2], 'the key in brackets'),
  );
  return { name, parts, conversion, spec };
}

/** Python's `repr` of a text; numbers are written bare. */
function quoteAsPython(value: string): string {
  if (/^-?\d+(?:\.\d+)?$/.test(value) || /^(?:True|False|None)$/.test(value)) return value;
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n');
  return quote + escaped + quote;
}

type Resolved = { readonly value: string } | Omit<FieldProblem, 'offset' | 'field'>;

function resolve(source: string, offset: number, find: FindField): Resolved {
  const field = parseField(source);
  const asText = 'a field name; write {{ and }} for literal braces';
  if (field === undefined) return { message: `'${source}' is not a field`, expected: asText };
  const { name, parts, conversion, spec } = field;
  let value = find(name, offset);
  if (value === undefined) return { name, message: `'${source}' is not defined`, expected: asText };
  for (const part of parts) {
    const inner: FieldValue | undefined = typeof value === 'string' ? undefined : value[part];
    if (inner === undefined)
      return { message: `'${name}' has no part '${part}' in '${source}'`, expected: 'an existing part' };
    value = inner;
  }
  if (typeof value !== 'string') {
    return { message: `'${source}' is a group of values, not one`, expected: `one part of it, e.g. {${name}[name]}` };
  }
  const shown = conversion === 'r' || conversion === 'a' ? quoteAsPython(value) : value;
  const formatted = formatValue(shown, spec.includes('{') ? substitute(spec, find).text : spec);
  if (formatted !== undefined) return { value: formatted };
  return {
    message: `The format '${spec}' in '${source}' does not match the value '${value}'`,
    expected: 'a format for this value',
  };
}

/**
 * Fills a template in one pass, as Python's `str.format` does: `{name}`, `{name.part}`, `{name[part]}`, `!r`, `:spec`,
 * doubled braces. A value that is put in is not looked through again. Never throws: what cannot be resolved is left as
 * written and reported, all of it.
 */
export function substitute(template: string, find: FindField): Substituted {
  const problems: FieldProblem[] = [];
  const pieces: Piece[] = [];
  let text = '';
  for (const token of splitTemplate(template)) {
    pieces.push({ at: text.length, offset: token.offset, isField: token.kind === 'field' });
    if (token.kind === 'field') {
      const resolved = resolve(token.source, token.offset, find);
      if ('value' in resolved) text += resolved.value;
      else {
        problems.push({ offset: token.offset, field: token.source, ...resolved });
        text += token.source;
      }
    } else {
      text += token.text;
      if (token.kind === 'literal') continue;
      const message = `A single '${token.text}'`;
      problems.push({
        offset: token.offset,
        field: token.text,
        message,
        expected: `'${token.text}' doubled, or a field`,
      });
    }
  }
  const originOf = (offset: number): number => {
    const piece = pieces.findLast((one) => one.at <= offset);
    if (piece === undefined) return 0;
    return piece.isField ? piece.offset : piece.offset + offset - piece.at;
  };
  return { text, problems, originOf };
}

/**
 * Resolves fields that came in with a value, such as `rsync: "{payload}/*"` inserted by `{rsync}`: known plain names
 * only, everything else in braces stays as it is.
 */
export function substituteKnown(text: string, find: FindField): string {
  return text.replace(/\{([A-Za-z_]\w*)\}/g, (field: string, name: string) => {
    const value = find(name);
    return typeof value === 'string' ? value : field;
  });
}
