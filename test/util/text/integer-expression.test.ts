import fc from 'fast-check';
import { expect, it } from 'vitest';

import { isIntegerExpression, parseIntegerExpression } from '#util/text/integer-expression.ts';

it.each([
  ['22026/100', 220],
  ['1+2*3', 7],
  ['(1+2)*3', 9],
  ['-7/2', -3],
  ['7%4', 3],
  ['2 - -3', 5],
  [' 10 ', 10],
  ['100/(3-1)/5', 10],
])('computes %s', (text, value) => {
  expect(parseIntegerExpression(text)).toBe(value);
});

it.each(['', '1/0', '1%0', '(1', '1)', '1 +', '*2', '1 2', 'x', '1.5'])("does not compute '%s'", (text) => {
  expect(parseIntegerExpression(text)).toBeUndefined();
});

it('never throws, and computes nothing that is not arithmetic', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789+-*/%() ') })), (text) => {
      if (parseIntegerExpression(text) !== undefined) expect(isIntegerExpression(text)).toBe(true);
    }),
  );
});
