import { expect, it } from 'vitest';

import { nearestWord } from '#util/nearest-word.ts';

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
  expect(nearestWord(word, known)).toBe(meant);
});
