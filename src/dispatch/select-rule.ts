import { RuleError } from '#model/errors.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { readRuleFile } from '#rules/read-rule-file.ts';
import { makeRuleError } from '#rules/check/render-complaints.ts';
import { nearestWord } from '#util/nearest-word.ts';

import { cursorKeyOf } from './cursor-order.ts';

import type { CursorKey } from '#db/status/find-cursor.ts';
import type { Complaint } from '#model/complaint.ts';
import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** A rule, and what is odd about its form. */
export interface SelectedRule {
  readonly rule: Rule;
  readonly complaints: readonly Complaint[];
}

/**
 * Reads one rule of a rule file. Mistakes in other rules do not stop it.
 *
 * @throws RuleError if the file can't be read or is no YAML, if it has no such rule, or if the rule makes no sense
 */
export async function selectRule(config: string, name: string): Promise<SelectedRule> {
  const { rules, complaints, file } = await readRuleFile(config);
  const ours = complaints.filter((complaint) => complaint.rule === undefined || complaint.rule === name);
  const rule = rules.find((candidate) => candidate.name === name);
  if (rule !== undefined) {
    if (ours.some(({ rule: of, severity }) => of === name && severity === 'error'))
      throw makeRuleError(name, file, ours);
    return { rule, complaints: ours };
  }
  if (ours.some(({ severity }) => severity === 'error')) throw makeRuleError(name, file, ours);
  const names = rules.map((candidate) => candidate.name);
  const near = nearestWord(name, names);
  const list = names.length === 0 ? 'it has none' : `it has ${names.map((one) => `'${one}'`).join(', ')}`;
  throw new RuleError(`There is no rule '${name}' in '${file}': ${list}`, {
    code: 'rule-unknown',
    facts: { file, rule: name },
    ...(near === undefined ? {} : { advice: `Did you mean '${near}'?` }),
  });
}

/**
 * Makes a rule ready for these options; where they say "from the cursor on", the cursor is asked for.
 *
 * @throws RuleError with all complaints, if the rule is wrong; and what `findCursor` throws
 */
export async function prepareSelectedRule(
  { rule }: SelectedRule,
  options: RunOptions,
  findCursor?: (key: CursorKey) => Promise<number>,
): Promise<{ readonly prepared: PreparedRule; readonly complaints: readonly Complaint[] }> {
  const first = prepareOrThrow(rule, options);
  if (options.runs.kind !== 'cursor' || findCursor === undefined) return first;
  const cursor = await findCursor(cursorKeyOf(first.prepared));
  return prepareOrThrow(rule, { ...options, cursor });
}

function prepareOrThrow(
  rule: Rule,
  options: RunOptions,
): { readonly prepared: PreparedRule; readonly complaints: readonly Complaint[] } {
  const preparation = prepareRule(rule, options);
  if (preparation.kind === 'prepared') return preparation;
  throw makeRuleError(rule.name, rule.file, preparation.complaints);
}
