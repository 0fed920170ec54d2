import { describe, expect, it } from 'vitest';

import { parseRuleFile } from '#rules/read-rule-file.ts';

import { renderComplaints } from '../rule-files.ts';

function complaintsOf(params: string): readonly string[] {
  const query = 'select {seed}, {cut}, {flag}, {list}, {events}, {day}';
  const text = `R:\n  params: {${params}}\n  input: {query: "${query}"}\n`;
  return renderComplaints(parseRuleFile(text, '/r.yaml').complaints);
}

describe('a part of a name that YAML does not read as text (C-R20)', () => {
  it.each([
    ['build: 1.10', "params.build: 1.10 is read as the number 1.1: expected quotes: '1.10'"],
    ['build: 437', "params.build: 437 is read as a number: expected quotes: '437'"],
    ['build_name: 1e5', undefined],
    ['build_name: 010', "params.build_name: 010 is read as the number 8: expected quotes: '010'"],
    ['dbtag: 2024_01', "params.dbtag: 2024_01 is read as the number 202401: expected quotes: '2024_01'"],
    ['dbtag: 2024-01-01', "params.dbtag: 2024-01-01 is read as a date: expected quotes: '2024-01-01'"],
    ['dbtag: 1:30', "params.dbtag: 1:30 is read as the number 90: expected quotes: '1:30'"],
    ['name: yes', "params.name: yes is read as the boolean True: expected quotes: 'yes'"],
    ["build: '1.10'", undefined],
    ['dbtag: 2024p007', undefined],
    ['build: ana.437', undefined],
  ])('is an error that says to quote it: %s', (params, complaint) => {
    const found = complaintsOf(params).map((line) => line.replace(/^r\.yaml:2:\d+: error: R: /, ''));
    expect(found).toEqual(complaint === undefined ? [] : [complaint]);
  });

  it.each(['010', '0x10', '1:30', '1_0', '+1'])('and so is a version that is spelled as %s (C-R9)', (version) => {
    const { rules, complaints } = parseRuleFile(`R:\n  params: {version: ${version}}\n`, '/r.yaml');
    expect(rules[0]?.version).toBeUndefined();
    expect(renderComplaints(complaints).join('\n')).toContain('expected a whole number in plain digits, or no version');
  });
});

describe('any other param that YAML reads as something else (C-R2)', () => {
  it('keeps the value of the original, with a warning', () => {
    expect(complaintsOf('seed: 010, cut: 1.50, flag: yes, list: [1, 1:30]')).toEqual([
      'r.yaml:2:18: warning: R: params.seed: 010 is read as the number 8: expected quotes to keep it as written',
      'r.yaml:2:28: warning: R: params.cut: 1.50 is read as the number 1.5: expected quotes to keep it as written',
      'r.yaml:2:40: warning: R: params.flag: yes is read as the boolean True: expected quotes to keep it as written',
      'r.yaml:2:55: warning: R: params.list: 1:30 is read as the number 90: expected quotes to keep it as written',
    ]);
  });

  it('is silent where the value is the one that is written, is meant as true or false, or is not used', () => {
    expect(
      complaintsOf(
        'seed: 8, events: 100_000, day: 2024-03-01, dump: no, dbinput: off, mem: 08, unused: 010, nothing: ',
      ),
    ).toEqual([]);
  });

  it('warns of an empty one that a text uses: it would read None', () => {
    const { complaints } = parseRuleFile('R:\n  params: {cut: }\n  input: {query: "select {cut}"}\n', '/r.yaml');
    expect(renderComplaints(complaints)).toEqual([
      "r.yaml:2:17: warning: R: params.cut is empty and is read as 'None': expected a value, or ''",
    ]);
  });
});
