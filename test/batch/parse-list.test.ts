import { expect, test } from 'vitest';

import { parseList } from '#batch/parse-list.ts';

test.each([
  [undefined, []],
  ['""', []],
  ['', []],
  [' a , b/ ,', ['a', 'b/']],
])('reads the list %s', (text, expected) => {
  expect(parseList(text)).toEqual(expected);
});
