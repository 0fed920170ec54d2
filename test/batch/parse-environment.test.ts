import { expect, test } from 'vitest';

import { parseEnvironment } from '#batch/parse-environment.ts';

test.each([
  ['"A=1 B=2"', { A: '1', B: '2' }],
  [`"A='x y' B='it''s' C=""q"""`, { A: 'x y', B: "it's", C: '"q"' }],
  ['A=1;B=x y', { A: '1', B: 'x y' }],
  ['', {}],
  ['"A=b=c"', { A: 'b=c' }],
  ['invalid', {}],
])('reads the environment %s', (text, expected) => {
  expect(parseEnvironment(text)).toEqual(expected);
});
