import { RuleError } from '#model/errors.ts';

import type { Complaint } from '#model/complaint.ts';

/** Writes a complaint as one line, in the form that editors and compilers understand. */
export function renderComplaint(complaint: Complaint): string {
  const { severity, rule, file, line, column, message, expected } = complaint;
  const who = rule === undefined ? '' : `${rule}: `;
  const wanted = expected === undefined ? '' : `: expected ${expected}`;
  return `${file}:${line}:${column}: ${severity}: ${who}${message.replace(/\s*\n\s*/g, ' ')}${wanted}`;
}

/** Puts complaints in the order of a file: by line, column, and as they came. */
export function sortComplaints(complaints: readonly Complaint[]): readonly Complaint[] {
  return [...complaints].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Makes one error of all complaints that stop a rule; its message has a line for each. */
export function makeRuleError(rule: string, file: string, complaints: readonly Complaint[]): RuleError {
  const errors = sortComplaints(complaints.filter(({ severity }) => severity === 'error'));
  const lines = errors.map((complaint) => `  ${renderComplaint(complaint)}`);
  const { line, column } = errors[0] ?? { line: 1, column: 1 };
  return new RuleError([`The rule '${rule}' in '${file}' cannot be used`, ...lines].join('\n'), {
    code: 'rule-refused',
    facts: { rule, file, line, column, complaints: errors.length },
    advice: "Fix the rule file; 'kaedama --check' shows everything that is wrong in it",
  });
}
