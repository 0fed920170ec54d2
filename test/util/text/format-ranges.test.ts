import { expect, test } from 'vitest';

import { formatRanges } from '#util/text/format-ranges.ts';

test.each([
  [[], ''],
  [[7], '7'],
  [[0, 1, 2, 5], '0-2,5'],
  [[1, 3, 4, 9, 10], '1,3-4,9-10'],
])('writes %j as %s', (numbers, text) => {
  expect(formatRanges(numbers)).toBe(text);
});
