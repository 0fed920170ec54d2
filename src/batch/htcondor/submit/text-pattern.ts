import { assertPresent } from '#util/assert-present.ts';

/** What some texts have in common, learned from one after the other. */
export interface TextPattern {
  /** Constant pieces; what differs stands between two of them, so a single piece means that all texts were equal. */
  readonly pieces: readonly string[];
  readonly tokens: readonly Token[];
  /** All texts had as many tokens; else one token stands for any number of them. */
  readonly isAligned: boolean;
}

/** A word, a single other character, or a macro of condor, which must not be cut; undefined where texts differ. */
type Token = string | undefined;

/** Where more than this differs within a text, all between its ends counts as one. */
const mostVariables = 12;

/** The pattern that matches this one text only: a single piece, no fields. */
export function patternOf(text: string): TextPattern {
  return { pieces: [text], tokens: tokensOf(text), isAligned: true };
}

/** The narrowest pattern of its kind for what the given one matches, and this text as well. */
export function makeWiderPattern(pattern: TextPattern, text: string): TextPattern {
  const { tokens: old } = pattern;
  const tokens = tokensOf(text);
  if (pattern.isAligned && old.length === tokens.length) {
    const common = old.map((token, index) => (token === tokens[index] ? token : undefined));
    const pieces = piecesOf(common);
    if (pieces.length - 1 <= mostVariables) return { pieces, tokens: common, isAligned: true };
  }
  const atMost = Math.min(old.length, tokens.length);
  let head = 0;
  while (head < atMost && old[head] !== undefined && old[head] === tokens[head]) head += 1;
  let tail = 0;
  while (tail < atMost - head && old.at(-1 - tail) !== undefined && old.at(-1 - tail) === tokens.at(-1 - tail)) {
    tail += 1;
  }
  const common = [...tokens.slice(0, head), undefined, ...tokens.slice(tokens.length - tail)];
  return { pieces: piecesOf(common), tokens: common, isAligned: false };
}

/**
 * Takes a text apart.
 *
 * @returns what stands between the pieces, so that putting both together gives the text; undefined if it does not match
 */
export function splitText({ pieces }: TextPattern, text: string): readonly string[] | undefined {
  const first = assertPresent(pieces[0], 'a piece');
  if (pieces.length === 1) return text === first ? [] : undefined;
  if (!text.startsWith(first)) return undefined;
  const last = assertPresent(pieces.at(-1), 'a piece');
  const end = text.length - last.length;
  if (end < first.length || !text.endsWith(last)) return undefined;
  const values: string[] = [];
  let from = first.length;
  // The leftmost place leaves most room for the rest, so if there is any way to take it apart, this is one.
  for (let index = 1; index < pieces.length - 1; index += 1) {
    const piece = assertPresent(pieces[index], 'a piece');
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return undefined;
    values.push(text.slice(from, at));
    from = at + piece.length;
  }
  values.push(text.slice(from, end));
  return values;
}

/** Puts pieces and what stands between them together. */
export function joinText({ pieces }: TextPattern, values: readonly string[]): string {
  return pieces
    .map((piece, index) => (index === 0 ? piece : `${assertPresent(values[index - 1], 'a value')}${piece}`))
    .join('');
}

function tokensOf(text: string): readonly string[] {
  return text.match(/\$+\([^)]*\)?|\$+\w*|[^\W_]+|[^]/gu) ?? [];
}

function piecesOf(tokens: readonly Token[]): readonly string[] {
  const pieces = [''];
  let isOpen = true;
  for (const token of tokens) {
    if (token === undefined) {
      if (isOpen) pieces.push('');
      isOpen = false;
    } else {
      pieces.push(`${assertPresent(pieces.pop(), 'a piece')}${token}`);
      isOpen = true;
    }
  }
  return pieces;
}
