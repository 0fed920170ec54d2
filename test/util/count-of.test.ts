import { expect, it } from 'vitest';

import { countOf } from '#util/count-of.ts';

it.each([
  [0, '0 rows'],
  [1, '1 row'],
  [2, '2 rows'],
  [1_234_567, '1,234,567 rows'],
])('writes %i as %s', (count, text) => {
  expect(countOf(count, 'row')).toBe(text);
});

it('takes a plural that is no s', () => {
  expect([countOf(1, 'entry', 'entries'), countOf(2, 'entry', 'entries')]).toEqual(['1 entry', '2 entries']);
});
