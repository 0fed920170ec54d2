import fc from 'fast-check';
import { expect, test } from 'vitest';

import { joinText, makeWiderPattern, patternOf, splitText } from '#batch/htcondor/submit/text-pattern.ts';

function learn([first = '', ...others]: readonly string[]) {
  return others.reduce(
    (pattern, text) => (splitText(pattern, text) === undefined ? makeWiderPattern(pattern, text) : pattern),
    patternOf(first),
  );
}

test.each([
  [
    ['/a/run_041/x-1.log', '/a/run_042/x-2.log'],
    ['/a/run_', '/x-', '.log'],
  ],
  [['a b', 'a b'], ['a b']],
  [
    ['x 1 y', 'x 1 2 y'],
    ['x 1 ', 'y'],
  ],
  [
    ['$(ProcId) a', '$(ClusterId) a'],
    ['', ' a'],
  ],
  [
    ['a-b', 'a--b', 'a+b'],
    ['a', 'b'],
  ],
])('learns from %j the pieces %j', (texts, pieces) => {
  expect(learn(texts).pieces).toEqual(pieces);
});

test('takes apart and puts together every text that it was learned from', () => {
  const word = fc.constantFrom('a', 'b', '1', '22', '_', '-', ' ', '$(ProcId)');
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 8 }), { minLength: 1, maxLength: 8 }), (lists) => {
      const texts = lists.map((words) => words.join(''));
      const pattern = learn(texts);
      for (const text of texts) {
        const values = splitText(pattern, text);
        expect(values).toBeDefined();
        expect(joinText(pattern, values ?? [])).toBe(text);
      }
    }),
  );
});
