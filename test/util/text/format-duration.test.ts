import { expect, it } from 'vitest';

import { formatDuration } from '#util/text/format-duration.ts';

it.each([
  [0, '0s'],
  [0.04, '0s'],
  [0.44, '0.4s'],
  [9.94, '9.9s'],
  [9.96, '10s'],
  [59.4, '59s'],
  [59.6, '1m'],
  [3599, '59m'],
  [3600, '1h'],
  [13_260, '3h41m'],
  [86_400, '1d'],
  [187_300, '2d4h'],
  [-61, '-1m'],
])('writes %s seconds as %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
