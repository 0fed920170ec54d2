import { expect, test } from 'vitest';

import { printRanges } from '#util/print-ranges.ts';

test.each([
  [[], ''],
  [[7], '7'],
  [[0, 1, 2, 5], '0-2,5'],
  [[1, 3, 4, 9, 10], '1,3-4,9-10'],
])('writes %j as %s', (numbers, text) => {
  expect(printRanges(numbers)).toBe(text);
});
