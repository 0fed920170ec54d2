import { expect, it } from 'vitest';

import { findNearestWord } from '#util/text/find-nearest-word.ts';

const known = ['filecatalog', 'daqdb', 'fc', 'accounting_group', 'priority'];

it.each([
  ['filecatalogue', 'filecatalog'],
  ['acounting_group', 'accounting_group'],
  ['prioritiy', 'priority'],
  ['daqbd', 'daqdb'],
  ['FC', 'fc'],
  ['mysql', undefined],
  ['', undefined],
])("finds what '%s' was meant to be", (word, meant) => {
  expect(findNearestWord(word, known)).toBe(meant);
});
