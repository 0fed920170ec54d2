import { expect, it } from 'vitest';

import { findSimilarWords } from '#util/text/find-similar-words.ts';

it.each([
  ['DST_CALOO', ['DST_CALO', 'DST_EVB'], ['DST_CALO']],
  ['evb', ['DST_CALO', 'DST_EVB'], ['DST_EVB']],
  ['DST_EVB_run2pp', ['DST_EVB', 'HIST'], ['DST_EVB']],
  ['calo', ['A_CALO', 'B_CALO', 'C_CALO', 'D_CALO'], ['A_CALO', 'B_CALO', 'C_CALO']],
  ['jets', ['DST_CALO'], []],
  ['', ['DST_CALO'], []],
])('of %j among %j it finds %j', (word, known, expected) => {
  expect(findSimilarWords(word, known)).toEqual(expected);
});
