import { expect, it } from 'vitest';
import { findRule } from '#rules/find-rule.ts';
import { parseRuleFile, readRuleFile } from '#rules/read-rule-file.ts';
import { ruleFile } from './rule-files.ts';

it('finds a rule, or says which one was meant', async () => {
  const file = await readRuleFile(ruleFile('anchors'));
  expect(findRule(file, 'SECOND')).toMatchObject({ kind: 'found', rule: { name: 'SECOND' } });
  expect(findRule(file, 'SECOMD')).toEqual({ kind: 'unknown', near: 'SECOND', names: ['FIRST', 'SECOND', 'THIRD'] });
  expect(findRule(file, 'DST_EVENT')).toEqual({ kind: 'unknown', names: ['FIRST', 'SECOND', 'THIRD'] });
});

it('does not hand out a rule with mistakes of form, but others of the same file', () => {
  const file = parseRuleFile('A: {params: [1]}\nB: {params: {name: x}}\n', '/r.yaml');
  expect(findRule(file, 'A')).toMatchObject({ kind: 'broken', complaints: [{ rule: 'A', severity: 'error' }] });
  expect(findRule(file, 'B')).toMatchObject({ kind: 'found' });
});

it('hands out nothing of a file that is no YAML', () => {
  expect(findRule(parseRuleFile('A: "', '/r.yaml'), 'A')).toMatchObject({ kind: 'broken' });
});
