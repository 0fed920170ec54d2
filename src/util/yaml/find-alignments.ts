/** From this offset of a value on, characters stand side by side in the source, beginning at `source`. */
export interface Alignment {
  readonly at: number;
  readonly source: number;
}

/** How a scalar is written in YAML, as far as its characters' places depend on it. */
export type ScalarStyle = 'plain' | 'single-quoted' | 'double-quoted' | 'block';

/** Length in the source and in the value of an escape of a double-quoted scalar; a line break behind `\` gives nothing. */
function escapeLengths(source: string, at: number): { readonly source: number; readonly value: number } {
  const kind = source.charAt(at + 1);
  const digits = { x: 2, u: 4, U: 8 }[kind] ?? 0;
  if (kind === '\n') return { source: 2, value: 0 };
  const code = digits === 8 ? Number.parseInt(source.slice(at + 2, at + 10), 16) : 0;
  return { source: 2 + digits, value: code > 0xffff ? 2 : 1 };
}

/** How far both sides move on from here, and whether they show the same character. */
function findStep(
  source: string,
  from: number,
  value: string,
  at: number,
  style: ScalarStyle,
): { readonly source: number; readonly value: number; readonly isSame: boolean } {
  const written = source[from];
  const meant = value[at] ?? '';
  if (style === 'double-quoted' && written === '\\') return { ...escapeLengths(source, from), isSame: true };
  if (style === 'single-quoted' && written === "'" && meant === "'") return { source: 2, value: 1, isSame: true };
  if (written === meant) return { source: 1, value: 1, isSame: true };
  // What differs is white space that was folded or that indents.
  if (written !== undefined && /\s/.test(written)) return { source: 1, value: 0, isSame: false };
  return /\s/.test(meant) ? { source: 0, value: 1, isSame: true } : { source: 1, value: 0, isSame: false };
}

/**
 * Finds where each character of a YAML scalar's value stands in the text that was read, whatever the style: literal and
 * folded blocks, quotes with escapes, plain text over several lines. White space that was folded gets a place near by.
 *
 * @param start offset in `source` of the first character of content (behind a block's header or a quote)
 * @returns alignments in order of `at`, the first at 0; a line of the value never shares an alignment with the next
 */
export function findAlignments(source: string, start: number, value: string, style: ScalarStyle): readonly Alignment[] {
  const alignments: Alignment[] = [];
  let from = start;
  let expected = Number.NaN;
  for (let at = 0; at < value.length && from <= source.length;) {
    const { source: sourceStep, value: valueStep, isSame } = findStep(source, from, value, at, style);
    if (isSame && valueStep > 0) {
      if (from - at !== expected || value[at - 1] === '\n') alignments.push({ at, source: from });
      expected = sourceStep === valueStep ? from - at : Number.NaN;
    }
    from += sourceStep;
    at += valueStep;
  }
  if (alignments[0]?.at !== 0) alignments.unshift({ at: 0, source: start });
  return alignments;
}
