import { findNearestWord } from './find-nearest-word.ts';

/** At most as many are worth reading. */
const mostWords = 3;

/**
 * Finds the known words that may have been meant: the nearest by typing mistakes, else those that contain the word, or
 * that the word contains, whatever the case.
 *
 * @returns three at most, in their order
 */
export function findSimilarWords(word: string, known: readonly string[]): readonly string[] {
  const nearest = findNearestWord(word, known);
  if (nearest !== undefined) return [nearest];
  const lower = word.toLowerCase();
  const isPart = (one: string): boolean => one.toLowerCase().includes(lower) || lower.includes(one.toLowerCase());
  return lower.length < 2 ? [] : known.filter(isPart).slice(0, mostWords);
}
