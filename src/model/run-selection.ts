/** Which runs a rule is asked for. */
export type RunSelection =
  /** From the production's cursor on; with a window, up to and including cursor + window. */
  | { readonly kind: 'cursor'; readonly window?: number }
  | { readonly kind: 'one'; readonly run: number }
  /** Both ends belong to it; `first <= last`. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  /** One run or more, no duplicates, in the order given. A list of two stays a list. */
  | { readonly kind: 'list'; readonly runs: readonly number[] };

/** Which segments a rule is asked for; all where it is absent. */
export type SegmentSelection =
  | { readonly kind: 'one'; readonly segment: number }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'list'; readonly segments: readonly number[] };

/** A selection, or every reason why the words are none. */
export type Parsed<Selection> =
  | { readonly kind: 'selection'; readonly selection: Selection }
  | { readonly kind: 'invalid'; readonly reasons: readonly string[] };

/** The largest number that the columns for runs and segments hold (PostgreSQL's `int`). */
export const largestRun = 2_147_483_647;

/** The selection without any option. */
export const defaultRuns: RunSelection = { kind: 'cursor' };

function makeInvalid(...reasons: readonly string[]): {
  readonly kind: 'invalid';
  readonly reasons: readonly string[];
} {
  return { kind: 'invalid', reasons };
}

/** Reads one number, or says why it is none. */
function parseNumber(word: string, what: string, where: string): number | string {
  const range = `expected a whole number from 0 to ${largestRun}`;
  if (/^\d+,[\d,]*$/.test(word))
    return `'${word}'${where} is not a ${what}: expected spaces between numbers, not commas`;
  if (!/^\d+$/.test(word)) return `'${word}'${where} is not a ${what}: ${range}`;
  const value = Number(word);
  return value > largestRun ? `The ${what} '${word}'${where} is too large: ${range}` : value;
}

type Shape =
  | { readonly kind: 'one'; readonly value: number }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'list'; readonly values: readonly number[] };

/** One word is that number, two are a range, three and more a list. */
function parseShape(words: readonly string[], what: string): Shape | { kind: 'invalid'; reasons: readonly string[] } {
  const numbers = words.map((word) => parseNumber(word, what, ''));
  const reasons = numbers.filter((number) => typeof number === 'string');
  if (reasons.length > 0) return makeInvalid(...reasons);
  const values = numbers.filter((number) => typeof number === 'number');
  const [first, last] = values;
  if (first === undefined) return makeInvalid(`No ${what} given`);
  if (last === undefined) return { kind: 'one', value: first };
  if (values.length > 2) return { kind: 'list', values: [...new Set(values)] };
  if (first > last)
    return makeInvalid(`The range of ${what}s '${first} ${last}' is empty: expected the smaller number first`);
  return { kind: 'range', first, last };
}

/**
 * Reads the words of `--runs`: `cursor`, `cursor N`, `N`, `A B` (a range), three or more (a list). A 0 in a list only
 * makes it a list and is dropped: `22026 22027 0` is a list of two.
 */
export function parseRuns(words: readonly string[]): Parsed<RunSelection> {
  if (words[0] === 'cursor') return parseCursor(words.slice(1));
  const shape = parseShape(words, 'run');
  switch (shape.kind) {
    case 'invalid':
      return shape;
    case 'one':
      return { kind: 'selection', selection: { kind: 'one', run: shape.value } };
    case 'range':
      return { kind: 'selection', selection: shape };
    case 'list': {
      const runs = shape.values.filter((run) => run !== 0);
      return { kind: 'selection', selection: { kind: 'list', runs: runs.length > 0 ? runs : shape.values } };
    }
  }
}

function parseCursor(rest: readonly string[]): Parsed<RunSelection> {
  const [word] = rest;
  if (word === undefined) return { kind: 'selection', selection: { kind: 'cursor' } };
  if (rest.length > 1)
    return makeInvalid(`Too many values after 'cursor': '${rest.join(' ')}': expected one number at most`);
  const window = parseNumber(word, 'window', '');
  return typeof window === 'string'
    ? makeInvalid(window)
    : { kind: 'selection', selection: { kind: 'cursor', window } };
}

/** Reads the words of `--segments`: `S`, `S T` (a range), three or more (a list, in which 0 is a segment). */
export function parseSegments(words: readonly string[]): Parsed<SegmentSelection> {
  const shape = parseShape(words, 'segment');
  switch (shape.kind) {
    case 'invalid':
      return shape;
    case 'one':
      return { kind: 'selection', selection: { kind: 'one', segment: shape.value } };
    case 'range':
      return { kind: 'selection', selection: shape };
    case 'list':
      return { kind: 'selection', selection: { kind: 'list', segments: shape.values } };
  }
}

/**
 * Reads the text of a `--runlist` file: runs separated by spaces, commas or line breaks; `#` begins a comment, blank lines
 * and duplicates are passed over. Always a list, also of one or two. All mistakes at once, with their lines.
 */
export function parseRunlist(text: string): Parsed<RunSelection> {
  const reasons: string[] = [];
  const runs = new Set<number>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (const [index, line] of lines.entries()) {
    const words = line
      .replace(/#.*$/, '')
      .split(/[\s,]+/)
      .filter((word) => word !== '');
    for (const word of words) {
      const run = parseNumber(word, 'run', ` in line ${index + 1}`);
      if (typeof run === 'string') reasons.push(run);
      else runs.add(run);
    }
  }
  if (reasons.length > 0) return makeInvalid(...reasons);
  if (runs.size > 1) runs.delete(0);
  if (runs.size === 0) return makeInvalid('The list contains no run: expected one number or more');
  return { kind: 'selection', selection: { kind: 'list', runs: [...runs] } };
}
