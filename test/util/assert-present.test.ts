import { expect, it } from 'vitest';

import { assertPresent } from '#util/assert-present.ts';

it('returns what is there, whatever it is', () => {
  expect([0, '', false, Number.NaN].map((value) => assertPresent(value, 'it'))).toEqual([0, '', false, Number.NaN]);
});

it.each([undefined, null])('throws if it is missing: %s', (value) => {
  expect(() => assertPresent(value, "the source of 'a.C'")).toThrow("Missing: the source of 'a.C'");
});
