import { expect, it } from 'vitest';

import { makeRuleError, renderComplaint, sortComplaints } from '#rules/check/render-complaints.ts';

import type { Complaint } from '#model/complaint.ts';

const complaint: Complaint = {
  severity: 'error',
  rule: 'R',
  file: '/rules.yaml',
  line: 7,
  column: 3,
  message: "Unknown database 'x\n  y'",
  expected: 'one that is known',
};

it('writes a complaint in one line', () => {
  expect(renderComplaint(complaint)).toBe(
    "/rules.yaml:7:3: error: R: Unknown database 'x y': expected one that is known",
  );
  const { rule: _rule, expected: _expected, ...bare } = complaint;
  expect(renderComplaint({ ...bare, severity: 'warning', message: 'Odd' })).toBe('/rules.yaml:7:3: warning: Odd');
});

it('sorts complaints by place and keeps the order of those at one place', () => {
  const at = (line: number, column: number, message: string): Complaint => ({ ...complaint, line, column, message });
  const sorted = sortComplaints([at(2, 5, 'c'), at(2, 1, 'a'), at(2, 5, 'd'), at(1, 9, '0'), at(2, 1, 'b')]);
  expect(sorted.map(({ message }) => message).join('')).toBe('0abcd');
});

it('makes one error of all that stop a rule', () => {
  const error = makeRuleError('R', '/rules.yaml', [
    { ...complaint, severity: 'warning' },
    complaint,
    { ...complaint, line: 2, message: 'params.name is missing' },
  ]);
  expect([error.message, error.kind, error.facts]).toMatchInlineSnapshot(`
    [
      "The rule 'R' in '/rules.yaml' cannot be used
      /rules.yaml:2:3: error: R: params.name is missing: expected one that is known
      /rules.yaml:7:3: error: R: Unknown database 'x y': expected one that is known",
      "rule",
      {
        "column": 3,
        "complaints": 2,
        "file": "/rules.yaml",
        "line": 2,
        "rule": "R",
      },
    ]
  `);
});
