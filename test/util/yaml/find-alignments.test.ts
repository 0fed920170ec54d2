import { expect, it } from 'vitest';

import { rulePlaceOf } from '#model/rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

/** The text of a file from where the nth character of params.x stands. */
function at(source: string, offset: number, length: number): string {
  const { rules } = parseRuleFile(source, '/rules.yaml');
  const rule = rules[0];
  if (rule === undefined) throw new Error('no rule');
  const { line, column } = rulePlaceOf(rule, 'params.x', offset);
  return source.split('\n')[line - 1]?.slice(column - 1, column - 1 + length) ?? '';
}

/** Every word of the value stands in the file where it is said to stand. */
function everyWord(source: string): readonly [string, string][] {
  const value = parseRuleFile(source, '/rules.yaml').rules[0]?.params['x'] ?? '';
  return [...value.matchAll(/\w+/g)].map((match) => [match[0], at(source, match.index, match[0].length)]);
}

it.each([
  ['plain', 'R:\n  params:\n    x: one two three\n'],
  ['plain over lines', 'R:\n  params:\n    x: one\n      two\n\n      three four\n'],
  ['literal', 'R:\n  params:\n    x: |-\n      one\n        two\n\n      three\n    y: 1\n'],
  ['literal with a header of its own', 'R:\n  params:\n    x: |2+  # note\n        one\n      two\n\n'],
  ['folded', 'R:\n  params:\n    x: >\n      one two\n      three\n\n      four\n        five\n'],
  ['single-quoted', "R:\n  params:\n    x: 'it''s one\n      two ''three'' four'\n"],
  [
    'double-quoted',
    'R:\n  params:\n    x: "one\\ttwo \\"three\\" \\x41b \\u00e9f \\U0001F600g \\\n      four\n      five"\n',
  ],
  ['flow', 'R: {params: {y: 1, x: "one two", z: 3}}\n'],
  ['flow without quotes', 'R: {params: {y: 1, x: one two\n  three, z: 3}}\n'],
  ['anchored', 'R:\n  params:\n    x: &name |-\n      one\n      two\n'],
])('finds every word of a scalar that is %s', (_style, source) => {
  const words = everyWord(source);
  expect(words.length).toBeGreaterThan(1);
  for (const [word, found] of words) {
    // What an escape makes is found where the escape stands.
    if (/^(?:Ab|éf)$/.test(word)) expect(found.startsWith('\\')).toBe(true);
    else expect(found).toBe(word);
  }
});
