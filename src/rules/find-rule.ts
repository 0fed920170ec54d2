import type { Complaint } from '#model/complaint.ts';
import type { Rule } from '#model/rule.ts';
import { nearestWord } from '#util/nearest-word.ts';
import type { RuleFile } from './read-rule-file.ts';

/** A rule of a file, or why it cannot be had. */
export type FoundRule =
  | { readonly kind: 'found'; readonly rule: Rule }
  /** There is no such rule; `near` was probably meant. */
  | { readonly kind: 'unknown'; readonly near?: string; readonly names: readonly string[] }
  /** The rule or the file as a whole has mistakes of form: at least one error. */
  | { readonly kind: 'broken'; readonly complaints: readonly Complaint[] };

/** Finds one rule of a file by its exact name. */
export function findRule(file: RuleFile, name: string): FoundRule {
  const errors = file.complaints.filter(({ severity, rule }) => severity === 'error' && (rule ?? name) === name);
  if (errors.length > 0) return { kind: 'broken', complaints: errors };
  const rule = file.rules.find((one) => one.name === name);
  if (rule !== undefined) return { kind: 'found', rule };
  const names = file.rules.map((one) => one.name);
  const near = nearestWord(name, names);
  return { kind: 'unknown', names, ...(near === undefined ? {} : { near }) };
}
