import fc from 'fast-check';
import { expect, test } from 'vitest';

import { makeHiddenName } from '#job/stage-out/hidden-name.ts';

test.each([
  ['A.root', '.7-0.1f2e3d4c.part', '.A.root.7-0.1f2e3d4c.part'],
  ['D'.repeat(250), '.part', `.${'D'.repeat(137)}.part`],
  ['€'.repeat(80), '.part', `.${'€'.repeat(45)}.part`],
])('the hidden name of %s with %s is %s', (name, ending, hidden) => {
  expect(makeHiddenName(name, ending)).toBe(hidden);
});

test('a hidden name fits into every file system and is made of whole characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 }), (name) => {
      const hidden = makeHiddenName(name, '.2147483647-999.1f2e3d4c.part');
      expect(Buffer.byteLength(hidden)).toBeLessThanOrEqual(143);
      expect(hidden).not.toContain('\uFFFD');
      expect(`.${name}`.startsWith(hidden.slice(0, -'.2147483647-999.1f2e3d4c.part'.length))).toBe(true);
    }),
  );
});
