import { assertPresent } from '../assert-present.ts';

/** Counts the letters that must be put in, taken out, replaced or swapped with their neighbour to turn one word into another. */
function countEdits(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const costs = [costOf(last, j) + 1, costOf(row, j - 1) + 1, costOf(last, j - 1) + (isSame ? 0 : 1)];
      row.push(Math.min(...costs, isSwap ? costOf(before, j - 2) + 1 : Infinity));
    }
    before = last;
    last = row;
  }
  return costOf(last, to.length);
}

function costOf(row: readonly number[], index: number): number {
  return assertPresent(row[index], 'a cost');
}

/**
 * Finds the known word that was probably meant: the nearest by typing mistakes, case put aside, at most one mistake in
 * three letters; the first of equals. Never throws.
 */
export function findNearestWord(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(Math.max(word.length, 3) / 3) + 0.5;
  for (const candidate of known) {
    const problems = countEdits(word.toLowerCase(), candidate.toLowerCase());
    if (problems < bestDistance) {
      best = candidate;
      bestDistance = problems;
    }
  }
  return best;
}
