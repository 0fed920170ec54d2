import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { filesystemDefaults, knownJobKeys } from '../job/job-defaults.ts';
import { deadSections, inputKeys, paramKeys, ruleKeys, ruleSections } from '../rule-shape.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Place, RulePlaces } from '#model/rule.ts';
import type { YamlMap, YamlValue } from '#util/yaml/yaml-tree.ts';

/** Adds a complaint about a path of a rule, such as `params.name`. */
export type AddComplaint = (
  severity: Complaint['severity'],
  path: string,
  message: string,
  expected?: string,
  place?: Place,
) => void;

/** The keys of each section that SLURP itself reads; `job` is checked by `job/check-job-keys.ts`. */
const knownKeys: Readonly<Record<'params' | 'input' | 'filesystem' | 'job', readonly string[]>> = {
  params: paramKeys,
  input: inputKeys,
  filesystem: Object.keys(filesystemDefaults),
  job: [...knownJobKeys],
};

/**
 * Complains of keys of a rule that nothing reads: an error where one looks mistyped, or stands in the wrong place, since
 * a default would be used in silence. Keys of `params` and `filesystem` may be the author's own: what a text of the rule
 * uses is never complained of.
 */
export function checkKeys(rule: YamlMap, places: RulePlaces, add: AddComplaint): void {
  const complain = (severity: Complaint['severity'], path: string, expected: string): void =>
    add(severity, path, `Unknown key '${path}'`, expected, places.keys.get(path));
  const known: readonly string[] = [...ruleSections, ...ruleKeys];
  for (const key of rule.entries.keys()) {
    if (deadSections.includes(key)) {
      add('warning', key, `'${key}' is not used any more`, undefined, places.keys.get(key));
      continue;
    }
    if (known.includes(key)) continue;
    const near = findNearestWord(key, known);
    const home = sectionOfKey(key);
    if (near !== undefined) complain('error', key, `'${near}'`);
    else if (home !== undefined) complain('error', key, `it in '${home}': check the indentation`);
    else complain('warning', key, `one of ${known.join(', ')}`);
  }
  const used = wordsOfFields(rule);
  for (const section of ['params', 'input', 'filesystem'] as const) {
    const ofSection = knownKeys[section];
    const value = rule.entries.get(section)?.value;
    const keys = value?.shape === 'map' ? [...value.entries.keys()] : [];
    const missing = ofSection.filter((key) => !keys.includes(key));
    for (const key of keys.filter((one) => !ofSection.includes(one) && (section === 'input' || !used.has(one)))) {
      const path = `${section}.${key}`;
      const near = findNearestWord(key, section === 'input' ? ofSection : missing);
      if (near !== undefined) complain('error', path, `'${near}'`);
      else if (section === 'input') complain('warning', path, `one of ${ofSection.join(', ')}`);
      // Further params are remarks of the author; a further directory is there to be used.
      else if (section === 'filesystem') complain('warning', path, 'a value in the rule that uses it');
    }
  }
}

/** The section that a key belongs to which was found beside the sections. */
function sectionOfKey(key: string): string | undefined {
  return Object.entries(knownKeys).find(([, known]) => known.includes(key))?.[0];
}

/** All words within fields `{…}` and macros `$…(…)` of a rule's texts. */
export function wordsOfFields(rule: YamlMap): ReadonlySet<string> {
  const words = new Set<string>();
  const collect = (value: YamlValue): void => {
    if (value.shape === 'list') for (const item of value.items) collect(item);
    if (value.shape === 'map') for (const { value: inner } of value.entries.values()) collect(inner);
    if (value.shape !== 'scalar') return;
    for (const [place] of value.text.matchAll(/\{[^{}]*\}|\$\w*\([^)]*\)?/g)) {
      for (const [word] of place.matchAll(/\w+/g)) words.add(word);
    }
  };
  collect(rule);
  return words;
}
