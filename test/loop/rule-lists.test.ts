import { expect, test } from 'vitest';

import { parseRulesFile } from '#loop/parse-rules-file.ts';
import { parseRulesYaml } from '#loop/parse-rules-yaml.ts';

const forms = {
  isManyValued: (option: string) => ['--runs', '--mask'].includes(option),
  isKnown: (option: string) => option === '--no-submit',
};

test('reads a rule a line, without blank lines and comments, each once', () => {
  expect(parseRulesFile('# all\nDST_A\n\n  DST_B  # for now\r\nDST#C\nDST_A\n')).toEqual(['DST_A', 'DST_B', 'DST#C']);
});

test('turns values of every type into options of kaedama', () => {
  const { rules, problems } = parseRulesYaml(
    `
DST_A:
  config: prod/calo.yaml
  runs: cursor 1000
  maxjobs: 5000
  dbtag: 2025p001
  advance_cursor: true
  mark_held_jobs: false
  submit: no
  mask: tpc intt
  docstring: two words
  mem: ~
DST_B: {runs: [22000, 23000], dbtag: 010, mask: []}
DST_C:
`,
    forms,
  );
  expect(problems).toEqual([]);
  expect(rules).toEqual([
    {
      rule: 'DST_A',
      args: [
        ...['--config', 'prod/calo.yaml', '--runs', 'cursor', '1000', '--maxjobs', '5000', '--dbtag', '2025p001'],
        ...['--advance-cursor', '--no-submit', '--mask', 'tpc', 'intt', '--docstring', 'two words'],
      ],
    },
    { rule: 'DST_B', args: ['--runs', '22000', '23000', '--dbtag', '010'] },
    { rule: 'DST_C', args: [] },
  ]);
});

test.each([
  ['- A', ['The file is not a list of rules: expected RULE: {option: value}']],
  [
    'A: 1\nB: [2]',
    ["line 1: 'A' has no options: expected {option: value}", "line 2: 'B' has no options: expected {option: value}"],
  ],
  ['A: {runs: {a: 1}}', ["line 1: 'runs' is a mapping: expected a value or a list"]],
  ['A: {runs: [[1]]}', ["line 1: 'runs' is a nested list: expected a list of values"]],
])('complains about %j', (text, expected) => {
  expect(parseRulesYaml(text, forms).problems).toEqual(expected);
});

test('complains about what is not YAML, with its line', () => {
  expect(parseRulesYaml('A: {b: 1\nC: 2\n', forms).problems[0]).toMatch(/^line \d+: /u);
});
