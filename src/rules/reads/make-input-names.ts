import { streamMacro } from '#model/dst-name.ts';
import { headOf } from '#util/text/head-of.ts';

import type { InputName } from '#model/rule.ts';

import type { PreparedRule } from '../prepare-rule.ts';
import type { QueryReads } from './find-query-reads.ts';

/**
 * Makes the names by whose files a rule is triggered: those of `after`, else those that its query names. Its own product is
 * not among the latter.
 *
 * @returns none for a rule that cannot be asked for single runs: it merges runs, or has no `{run_condition}`
 * @see docs/rule-files.md
 */
export function makeInputNames(
  { rule, names, options }: Pick<PreparedRule, 'rule' | 'names' | 'options'>,
  reads: QueryReads,
): readonly InputName[] {
  const isByRun = reads.isByRun && rule.input.query?.includes('{run_condition}') === true;
  // Otherwise existing products would be redone with each file.
  if (!isByRun || options.isResubmit) return [];
  if (rule.after !== undefined) return rule.after.map(afterOf);
  const own = headOf(names.production.dsttype, streamMacro);
  const found = reads.strings.flatMap(nameOf).filter(({ name }) => !name.startsWith(own));
  return [...new Map(found.map((input) => [`${input.name} ${input.isPrefix}`, input])).values()];
}

function afterOf(text: string): InputName {
  return text.endsWith('*') ? { name: text.slice(0, -1), isPrefix: true } : { name: text, isPrefix: false };
}

/** The beginning of a constant that may be a dsttype, a file name, or a pattern of them (LIKE or a regular expression). */
function nameOf(constant: string): readonly InputName[] {
  const plain = constant.replace(/^\^/u, '').replaceAll(String.raw`\_`, '_');
  const name = /^[A-Z][A-Za-z0-9]*_\w*/u.exec(plain)?.[0];
  if (name === undefined) return [];
  // A repetition such as `*` is about the last character.
  const isRepeated = /^[*+?{]/u.test(plain.slice(name.length));
  return [{ name: isRepeated ? name.slice(0, -1) : name, isPrefix: /^[%[(.*+?{\\|]/u.test(plain.slice(name.length)) }];
}
