import { parseVersion } from '#model/dst-name.ts';
import { roleAliases } from '#model/role-alias.ts';
import { rulePlaceOf } from '#model/rule.ts';
import { largestRun } from '#model/run-selection.ts';
import { present } from '#util/present.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { checkKeys, wordsOfFields } from './form/check-keys.ts';
import { checkScalars } from './form/check-scalars.ts';
import { jobDefaults, madeDirectories } from './job/job-defaults.ts';
import { ruleKeys, ruleSections, ruleShape } from './rule-shape.ts';

import type * as z from 'zod';

import type { Complaint } from '#model/complaint.ts';
import type { Place, Rule, RuleOrder, RulePlaces, TextSegment } from '#model/rule.ts';
import type { YamlEntry, YamlMap, YamlScalar, YamlValue } from '#util/yaml/yaml-tree.ts';

import type { AddComplaint } from './form/check-keys.ts';

/**
 * Makes rules of a file's tree: each entry of the file with one section at least is one. What has the wrong form is an
 * error, and a rule with a section of the wrong form is left out.
 */
export function makeRules(
  tree: YamlValue | undefined,
  file: string,
): { readonly rules: readonly Rule[]; readonly complaints: readonly Complaint[] } {
  if (tree?.shape !== 'map') {
    const place = tree?.place ?? { line: 1, column: 1 };
    const isEmpty = tree === undefined || (tree.shape === 'scalar' && tree.kind === 'null');
    const message = isEmpty ? 'The file contains no rule' : 'The file is not a mapping of names to rules';
    const { line, column } = place;
    const expected = "'NAME:' and a rule below it";
    return { rules: [], complaints: [{ severity: 'error', file, line, column, message, expected }] };
  }
  const complaints: Complaint[] = [];
  const rules: Rule[] = [];
  for (const [name, entry] of tree.entries) {
    const places = findPlaces(entry);
    const add: AddComplaint = (severity, path, message, expected, place) => {
      const { line, column } = place ?? rulePlaceOf({ places }, path);
      const wanted = expected === undefined ? {} : { expected };
      complaints.push({ severity, rule: name, file, line, column, message, ...wanted });
    };
    const rule = makeRule(name, file, entry.value, places, add);
    if (rule !== undefined) rules.push(rule);
  }
  if (rules.length === 0 && !complaints.some(({ severity }) => severity === 'error')) {
    const expected = "'NAME:' and a rule below it";
    complaints.push({ severity: 'error', file, line: 1, column: 1, message: 'The file contains no rule', expected });
  }
  return { rules, complaints };
}

function makeRule(
  name: string,
  file: string,
  value: YamlValue,
  places: RulePlaces,
  add: AddComplaint,
): Rule | undefined {
  if (value.shape !== 'map' || !isRule(value)) {
    add('warning', '', `'${name}' is not a rule and is ignored`, `one of its sections: ${ruleSections.join(', ')}`);
    return undefined;
  }
  checkKeys(value, places, add);
  checkScalars(sectionOf(value, 'params'), wordsOfFields(value), add);
  const rule = withoutEmptySections(value, add);
  const shape = ruleShape.safeParse(toPlain(rule));
  const badPaths = new Set<string>();
  for (const issue of shape.error?.issues ?? []) {
    const where = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.map((name) => `${where}.${name}`)) {
        add('error', key, `Unknown key '${key}'`, issue.message, places.keys.get(key));
      }
    } else if (!badPaths.has(where)) add('error', where, `The value of ${where} has the wrong type`, issue.message);
    badPaths.add(where);
  }
  // What is wrong in a value of a section is only left out.
  const isFatal = (path: string): boolean =>
    [...ruleKeys, ...ruleSections].some((key) => path === key) || /^(?:retry|scouts|deadlines)\./u.test(path);
  if ([...badPaths].some(isFatal)) return undefined;
  const params = paramsOf(rule);
  const version = versionOf(sectionOf(rule, 'params').get('version')?.value, add);
  delete params['version'];
  return {
    name,
    file,
    params: version === undefined ? params : { ...params, version: String(version) },
    ...present({ version, isSupervised: shape.data?.supervise, after: shape.data?.after }),
    input: inputOf(scalarsOf(rule, 'input'), add),
    filesystem: textsOf('filesystem', scalarsOf(rule, 'filesystem'), add),
    job: jobOf(rule, add),
    isProductRequired: shape.data?.product === 'required',
    order: orderOf(shape.data),
    ...present({ retry: shape.data?.retry }),
    ...(shape.data?.deadlines === undefined ? {} : { deadlines: present(shape.data.deadlines) }),
    places,
  };
}

function orderOf(shape: z.output<typeof ruleShape> | undefined): RuleOrder {
  const { priority = 0, share, max_queued: maxQueued, max_idle: maxIdle, scouts } = shape ?? {};
  const { jobs, memory } = scouts ?? {};
  return { priority, ...present({ share, maxQueued, maxIdle, scouts: jobs, scoutMemory: memory }) };
}

/** Returns whether an entry of the file is meant as a rule: by a section, mistyped or not. */
function isRule({ entries }: YamlMap): boolean {
  return [...entries.keys()].some((key) => findNearestWord(key, ruleSections) !== undefined);
}

function toPlain(value: YamlValue): unknown {
  switch (value.shape) {
    case 'scalar':
      return value.kind === 'null' ? null : value.kind === 'boolean' ? value.text === 'True' : value.text;
    case 'list':
      return value.items.map(toPlain);
    case 'map':
      return Object.fromEntries([...value.entries].map(([key, entry]) => [key, toPlain(entry.value)]));
  }
}

function withoutEmptySections(rule: YamlMap, add: AddComplaint): YamlMap {
  const entries = new Map(rule.entries);
  for (const section of ruleSections) {
    const value = entries.get(section)?.value;
    if (value?.shape !== 'scalar' || value.kind !== 'null') continue;
    entries.delete(section);
    add('error', section, `'${section}' is empty`, `its keys indented under it, or no '${section}'`);
  }
  return { ...rule, entries };
}

function sectionOf(rule: YamlMap, section: string): ReadonlyMap<string, YamlEntry> {
  const value = rule.entries.get(section)?.value;
  return value?.shape === 'map' ? value.entries : new Map();
}

/** The texts of a section; what has another form was complained of. */
function scalarsOf(rule: YamlMap, section: string): ReadonlyMap<string, YamlScalar> {
  const scalars = new Map<string, YamlScalar>();
  for (const [key, { value }] of sectionOf(rule, section)) if (value.shape === 'scalar') scalars.set(key, value);
  return scalars;
}

function paramsOf(rule: YamlMap): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [key, { value }] of sectionOf(rule, 'params')) {
    if (value.shape === 'scalar') params[key] = value.text;
    if (value.shape === 'list') {
      params[key] = value.items.flatMap((item) => (item.shape === 'scalar' ? [item.text] : [])).join(' ');
    }
  }
  return params;
}

function versionOf(value: YamlValue | undefined, add: AddComplaint): number | undefined {
  if (value?.shape !== 'scalar') return undefined;
  const path = 'params.version';
  if (value.kind === 'null') {
    add('warning', path, `${path} is empty, so names contain no version`);
    return undefined;
  }
  if (value.kind === 'integer' && value.text !== value.source) {
    const expected = 'a whole number in plain digits, or no version';
    add('error', path, `${path}: ${value.source} is read as the number ${value.text}`, expected, value.place);
    return undefined;
  }
  const spelled = parseVersion(value.text);
  const version = typeof spelled === 'number' ? spelled : /^\d+$/.test(value.text) ? Number(value.text) : -1;
  if (version < 0 || version > largestRun) {
    add('error', path, `'${value.source}' is not a version`, 'a whole number from 0, or no version');
    return undefined;
  }
  if (value.kind !== 'integer') add('warning', path, `${path} '${value.source}' is read as ${version}`);
  return version;
}

function inputOf(input: ReadonlyMap<string, YamlScalar>, add: AddComplaint): Rule['input'] {
  const textOf = (key: string): string | undefined => {
    const value = input.get(key);
    return value === undefined || value.kind === 'null' ? undefined : value.text;
  };
  const db = textOf('db');
  const query = textOf('query');
  const directPath = textOf('direct_path');
  const role = db === undefined ? undefined : roleAliases.get(db);
  const mode = textOf('lfn2pfn') ?? 'lfn2pfn';
  if (mode !== 'lfn2pfn' && mode !== 'lfn2lfn') {
    add('error', 'input.lfn2pfn', `Unknown lfn2pfn '${mode}'`, "'lfn2pfn' or 'lfn2lfn'");
  }
  const verify = textOf('verify');
  if (verify !== undefined && !/^(?:true|false)$/i.test(verify)) {
    add('error', 'input.verify', `input.verify is '${verify}'`, 'true or false');
  }
  return {
    ...present({ db, role, query, directPath }),
    lfn2pfn: mode === 'lfn2lfn' ? 'lfn2lfn' : 'lfn2pfn',
    isVerified: /^true$/i.test(verify ?? ''),
  };
}

/**
 * Values that are formatted must be texts; what the author left unquoted is taken as written. An empty one is left out,
 * which is an error where a default would be used instead. So is an empty directory.
 */
function textsOf(section: string, scalars: ReadonlyMap<string, YamlScalar>, add: AddComplaint): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of scalars) {
    const path = `${section}.${key}`;
    const isDirectory = section === 'filesystem' && madeDirectories.some((name) => name === key);
    if (isDirectory && (value.kind === 'null' || value.source.trim() === '')) {
      add('error', path, `${path} is empty`, 'a directory, or no such key');
    } else if (value.kind === 'null') {
      const hasDefault = section === 'filesystem' || key.toLowerCase() in jobDefaults;
      if (hasDefault) add('error', path, `${path} is empty`, "a value, or '' for an empty one, or no such key");
      else add('warning', path, `${path} is empty and is ignored`, "a value, or '' for an empty one");
    } else {
      if (value.kind !== 'text')
        add('warning', path, `${path} is an unquoted ${value.kind}: ${value.source}`, 'quotes');
      kept[key] = value.source;
    }
  }
  return kept;
}

function jobOf(rule: YamlMap, add: AddComplaint): Record<string, string> {
  const pairs = Object.entries(textsOf('job', scalarsOf(rule, 'job'), add));
  for (const [index, [key]] of pairs.entries()) {
    const others = pairs.slice(0, index).map(([other]) => other);
    const before = others.find((other) => other.toLowerCase() === key.toLowerCase());
    if (before !== undefined)
      add(
        'warning',
        `job.${key.toLowerCase()}`,
        `'${before}' and '${key}' are the same submit command; the last one is used`,
      );
  }
  return Object.fromEntries(pairs.map(([key, text]) => [/^(?:\+|my\.)/i.test(key) ? key : key.toLowerCase(), text]));
}

/** Notes where every key and value of a rule stands, two levels deep. */
function findPlaces(rule: YamlEntry): RulePlaces {
  const keys = new Map<string, Place>([['', rule.key]]);
  const values = new Map<string, Place>();
  const texts = new Map<string, readonly TextSegment[]>();
  const collect = (entries: ReadonlyMap<string, YamlEntry>, prefix: string): void => {
    for (const [key, { key: place, value }] of entries) {
      const path = prefix + (prefix === 'job.' && !/^(?:\+|my\.)/i.test(key) ? key.toLowerCase() : key);
      keys.set(path, place);
      values.set(path, value.place);
      if (value.shape === 'scalar') texts.set(path, value.segments);
      if (value.shape === 'map' && prefix === '') collect(value.entries, `${key}.`);
    }
  };
  const collectDeeply = (value: YamlValue, path: string): void => {
    values.set(path, value.place);
    if (value.shape === 'list')
      for (const [index, item] of value.items.entries()) collectDeeply(item, `${path}.${index}`);
    if (value.shape !== 'map') return;
    for (const [key, entry] of value.entries) {
      keys.set(`${path}.${key}`, entry.key);
      collectDeeply(entry.value, `${path}.${key}`);
    }
  };
  if (rule.value.shape !== 'map') return { keys, values, texts };
  collect(rule.value.entries, '');
  for (const key of ruleKeys) {
    const value = rule.value.entries.get(key)?.value;
    if (value !== undefined) collectDeeply(value, key);
  }
  return { keys, values, texts };
}
