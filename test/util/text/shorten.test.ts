import { expect, test } from 'vitest';

import { shorten } from '#util/text/shorten.ts';

test.each([
  ['short', 5, 'short'],
  ['longer', 5, 'long…'],
  ['  two\n\tlines ', 20, 'two lines'],
  ['割り当てを超えました', 4, '割り当…'],
  ['🍜🍜🍜', 2, '🍜…'],
])('%j in %d characters is %j', (text, atMost, short) => {
  expect(shorten(text, atMost)).toBe(short);
});
