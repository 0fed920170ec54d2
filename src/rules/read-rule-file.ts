import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { RuleError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';
import { decodeText } from '#util/text/decode-text.ts';
import { readYaml } from '#util/yaml/read-yaml.ts';

import { makeRules } from './make-rules.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Rule } from '#model/rule.ts';
import type { TextProblem } from '#util/text/decode-text.ts';
import type { YamlValue } from '#util/yaml/yaml-tree.ts';

/** The rules of a file in its order, and everything that is wrong or odd about their form. */
export interface RuleFile {
  /** Absolute. */
  readonly file: string;
  readonly rules: readonly Rule[];
  /** An error that names no rule stops all rules of the file. */
  readonly complaints: readonly Complaint[];
}

/**
 * Reads a rule file. Mistakes in it are complaints, all at once; a rule of which no sense can be made is left out with
 * an error.
 *
 * @throws RuleError where the file cannot be read at all
 * @see docs/rule-files.md
 */
export async function readRuleFile(file: string): Promise<RuleFile> {
  const path = resolve(file);
  const { text, problems } = decodeText(await readBytes(file, path));
  const known = lastRead.get(path);
  if (known?.text === text && problems.length === 0) return known.parsed;
  const parsed = parseRuleFile(text, path, problems);
  if (problems.length === 0) lastRead.set(path, { text, parsed });
  return parsed;
}

/** A loop reads a file of many rules for each of them: what has not changed is not parsed again. */
const lastRead = new Map<string, { readonly text: string; readonly parsed: RuleFile }>();

async function readBytes(file: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RuleError(`Cannot read the rule file '${file}': ${describeError(error, path)}`, {
      code: 'rule-file-unreadable',
      cause: error,
      facts: { file: path },
      advice: 'Give the path of a rule file with --config',
    });
  }
}

/**
 * Reads the text of a rule file. Values are what PyYAML makes of them. Never throws.
 *
 * @param undecoded what is wrong with its characters, found when it was decoded
 */
export function parseRuleFile(source: string, file: string, undecoded: readonly TextProblem[] = []): RuleFile {
  const characters = undecoded.map((problem): Complaint => ({ severity: 'error', file, ...problem }));
  const { tree, isYaml, problems } = readYaml(source);
  const form = problems.map(({ place, ...problem }): Complaint => {
    // An error is one of the file: what the author meant there may be a part of any rule.
    const rule = problem.severity === 'error' ? undefined : findRuleNameAt(tree, place.line);
    return { file, ...present({ rule }), ...place, ...problem };
  });
  const complaints = [...characters, ...form];
  if (!isYaml) return { file, rules: [], complaints };
  const { rules, complaints: others } = makeRules(tree, file);
  return { file, rules, complaints: [...complaints, ...others] };
}

/** The name of the rule that a line belongs to. */
function findRuleNameAt(tree: YamlValue | undefined, line: number): string | undefined {
  if (tree?.shape !== 'map') return undefined;
  const before = [...tree.entries].filter(([, { key }]) => key.line <= line);
  return before.toSorted(([, one], [, other]) => one.key.line - other.key.line).at(-1)?.[0];
}
