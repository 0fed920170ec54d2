import { RuleError } from '#model/errors.ts';
import { prepareCheckedRule } from '#rules/check/prepare-checked-rule.ts';
import { makeRuleError } from '#rules/check/render-complaints.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { readRuleFile } from '#rules/read-rule-file.ts';
import { findSimilarWords } from '#util/text/find-similar-words.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Production } from '#model/production.ts';
import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { Preparation, PreparedRule } from '#rules/prepare-rule.ts';

/** A rule, and what is odd about its form. */
export interface SelectedRule {
  readonly rule: Rule;
  readonly complaints: readonly Complaint[];
}

/** A rule that is ready for its options, and everything that is odd with it. */
export interface ReadyRule {
  readonly prepared: PreparedRule;
  readonly complaints: readonly Complaint[];
}

/**
 * Reads one rule of a rule file. Mistakes in other rules do not stop it; those of the file as a whole do, as in the
 * original: what an alias or a tag was meant to be may be part of any rule.
 *
 * @throws RuleError if the file can't be read or is not YAML, if it has no such rule, or if an error is in its form
 */
export async function readSelectedRule(config: string, name: string): Promise<SelectedRule> {
  const { rules, complaints, file } = await readRuleFile(config);
  const ours = complaints.filter((complaint) => complaint.rule === undefined || complaint.rule === name);
  if (ours.some(({ severity }) => severity === 'error')) throw makeRuleError(name, file, ours);
  const rule = rules.find((candidate) => candidate.name === name);
  if (rule !== undefined) return { rule, complaints: ours };
  const names = rules.map((candidate) => candidate.name);
  const similar = findSimilarWords(name, names);
  const list = names.length === 0 ? 'it has none' : `it has ${names.map((one) => `'${one}'`).join(', ')}`;
  throw new RuleError(`Rule '${name}' does not exist in '${file}': ${list}`, {
    code: 'rule-unknown',
    facts: { file, rule: name },
    ...(similar.length === 0 ? {} : { advice: `Did you mean ${similar.map((one) => `'${one}'`).join(' or ')}?` }),
  });
}

/** Returns whether the jobs of a rule are written to a file for inspection, and not submitted (`params.dump`). */
export function isDumpRule({ rule }: SelectedRule): boolean {
  return /^true$/iu.test(rule.params['dump'] ?? '');
}

/**
 * Makes a rule ready for these options, judged as `--check` does. Where they say "from the cursor on", the cursor is 0
 * until {@link withCursor} looked it up.
 *
 * @throws RuleError with all complaints, if any of them is an error
 */
export function prepareSelectedRule({ rule, complaints: ofForm }: SelectedRule, options: RunOptions): ReadyRule {
  const { preparation, complaints: judged } = prepareCheckedRule(rule, options);
  const complaints = [...ofForm, ...judged];
  return { prepared: preparedOf(rule, preparation, complaints), complaints };
}

/**
 * Puts the cursor into a rule whose options say "from the cursor on"; any other rule stays as it is, and nothing is
 * looked up.
 *
 * @throws what `find` throws
 */
export async function withCursor(
  ready: ReadyRule,
  find: (production: Production) => Promise<number>,
): Promise<ReadyRule> {
  const { rule, options } = ready.prepared;
  if (options.runs.kind !== 'cursor') return ready;
  const cursor = await find(ready.prepared.names.production);
  const prepared = preparedOf(rule, prepareRule(rule, { ...options, cursor }), ready.complaints);
  return { ...ready, prepared };
}

/** Asks a rule for some runs alone, instead of those of its options. */
export function withRuns(ready: ReadyRule, runs: readonly number[]): ReadyRule {
  const { rule, options } = ready.prepared;
  const preparation = prepareRule(rule, { ...options, runs: { kind: 'list', runs } });
  return { ...ready, prepared: preparedOf(rule, preparation, ready.complaints) };
}

function preparedOf(rule: Rule, preparation: Preparation, complaints: readonly Complaint[]): PreparedRule {
  if (preparation.kind === 'prepared') return preparation.prepared;
  throw makeRuleError(rule.name, rule.file, complaints);
}
