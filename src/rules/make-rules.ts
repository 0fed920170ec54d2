import { z } from 'zod';
import type { Complaint } from '#model/complaint.ts';
import { parseVersion } from '#model/dst-name.ts';
import { roleAliases } from '#model/role-alias.ts';
import { type Place, placeIn, type Rule, type RulePlaces, type TextSegment } from '#model/rule.ts';
import { largestRun } from '#model/run-selection.ts';
import { nearestWord } from '#util/nearest-word.ts';
import type { YamlEntry, YamlMap, YamlScalar, YamlValue } from './text/yaml-tree.ts';

const scalar = z.object(
  { kind: z.enum(['text', 'integer', 'float', 'boolean', 'null', 'timestamp']), text: z.string(), source: z.string() },
  { error: 'one text or number' },
);
const texts = z.record(z.string(), scalar, { error: 'a mapping of names to texts' });

/** What a rule looks like. Sections and keys that are missing are not mistakes of form. */
const ruleShape = z.object(
  {
    params: z.record(z.string(), z.union([scalar, z.array(scalar)], { error: 'a text, a number or a list of them' }), {
      error: 'a mapping of names to values',
    }),
    input: z
      .object({ db: scalar, query: scalar, direct_path: scalar, lfn2pfn: scalar }, { error: 'a mapping with db and query' })
      .partial(),
    filesystem: texts,
    job: texts,
  },
  { error: 'a rule: a mapping with params, input, filesystem and job' },
).partial();

type RuleShape = z.infer<typeof ruleShape>;

const sections = ['params', 'input', 'filesystem', 'job'] as const;
const inputKeys = ['db', 'query', 'direct_path', 'lfn2pfn'] as const;
/** Sections that the original read but did not use any more. */
const deadSections = ['runlist_query', 'presubmit', 'input_query'] as const;

interface Context {
  readonly name: string;
  readonly places: RulePlaces;
  readonly add: (severity: Complaint['severity'], path: string, message: string, expected?: string, isKey?: true) => void;
}

/**
 * Makes rules of a file's tree: each entry of the file is one. What has the wrong form is an error; a rule of which
 * nothing remains is left out.
 */
export function makeRules(
  tree: YamlValue | undefined,
  file: string,
): { readonly rules: readonly Rule[]; readonly complaints: readonly Complaint[] } {
  if (tree?.shape !== 'map') {
    const place = tree?.place ?? { line: 1, column: 1 };
    const isEmpty = tree === undefined || (tree.shape === 'scalar' && tree.kind === 'null');
    const message = isEmpty ? 'The file holds no rule' : 'The file is no mapping of names to rules';
    const complaint: Complaint = { severity: 'error', file, ...place, message, expected: "'NAME:' and a rule below it" };
    return { rules: [], complaints: [complaint] };
  }
  const complaints: Complaint[] = [];
  const rules: Rule[] = [];
  for (const [name, entry] of tree.entries) {
    const rule = makeRule(name, entry, file, complaints);
    if (rule !== undefined) rules.push(rule);
  }
  return { rules, complaints };
}

function makeRule(name: string, entry: YamlEntry, file: string, complaints: Complaint[]): Rule | undefined {
  const places = collectPlaces(entry);
  const context: Context = {
    name,
    places,
    add: (severity, path, message, expected, isKey) => {
      const place = (isKey === true ? places.keys.get(path) : undefined) ?? placeIn({ places }, path);
      complaints.push({
        severity,
        rule: name,
        file,
        line: place.line,
        column: place.column,
        message,
        ...(expected === undefined ? {} : { expected }),
      });
    },
  };
  const parsed = parseShape(entry.value, context);
  if (parsed === undefined) return undefined;
  const params = paramsOf(parsed.params ?? {}, context);
  const version = versionOf(parsed.params?.['version'], context);
  return {
    name,
    file,
    params: version === undefined ? withoutVersion(params) : { ...params, version: String(version) },
    ...(version === undefined ? {} : { version }),
    input: inputOf(parsed.input ?? {}, context),
    filesystem: textsOf('filesystem', parsed.filesystem ?? {}, context),
    job: jobOf(parsed.job ?? {}, context),
    places,
  };
}

/** Says what has the wrong form, and gives what is left without it. */
function parseShape(value: YamlValue, context: Context): RuleShape | undefined {
  if (value.shape === 'map') checkKeys(value, context);
  const plain = toPlain(value.shape === 'map' ? withoutEmptySections(value, context) : value);
  const whole = ruleShape.safeParse(plain);
  if (whole.success) return whole.data;
  const bad = new Set<string>();
  for (const { path, message } of whole.error.issues) {
    const text = path.slice(0, 2).join('.');
    if (bad.has(text)) continue;
    bad.add(text);
    context.add('error', text, text === '' ? `'${context.name}' is no rule` : `Wrong kind of value for ${text}`, message);
  }
  return ruleShape.safeParse(withoutPaths(plain, bad)).data;
}

/** A copy without these keys of the first or second level. */
function withoutPaths(plain: unknown, bad: ReadonlySet<string>, prefix = ''): unknown {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain) || 'kind' in plain) return plain;
  const kept = Object.entries(plain).filter(([key]) => !bad.has(prefix + key));
  return Object.fromEntries(kept.map(([key, value]) => [key, prefix === '' ? withoutPaths(value, bad, `${key}.`) : value]));
}

function toPlain(value: YamlValue): unknown {
  switch (value.shape) {
    case 'scalar':
      return { kind: value.kind, text: value.text, source: value.source };
    case 'list':
      return value.items.map(toPlain);
    case 'map':
      return Object.fromEntries([...value.entries].map(([key, entry]) => [key, toPlain(entry.value)]));
  }
}

function checkKeys(rule: YamlMap, context: Context): void {
  for (const key of rule.entries.keys()) {
    if ((deadSections as readonly string[]).includes(key)) {
      context.add('warning', key, `${key} is not used any more`, undefined, true);
    } else complainOfKey(key, key, sections, context);
  }
  const input = rule.entries.get('input')?.value;
  if (input?.shape === 'map') for (const key of input.entries.keys()) complainOfKey(`input.${key}`, key, inputKeys, context);
}

/** A key that nobody reads is an error where it looks mistyped, else a warning. */
function complainOfKey(path: string, key: string, known: readonly string[], context: Context): void {
  if (known.includes(key)) return;
  const near = nearestWord(key, known);
  const expected = near === undefined ? `one of ${known.join(', ')}` : `'${near}'?`;
  context.add(near === undefined ? 'warning' : 'error', path, `Unknown key '${path}'`, expected, true);
}

function withoutEmptySections(rule: YamlMap, context: Context): YamlMap {
  const entries = new Map(rule.entries);
  for (const section of sections) {
    const value = entries.get(section)?.value;
    if (value?.shape !== 'scalar' || value.kind !== 'null') continue;
    entries.delete(section);
    context.add('warning', section, `${section} is empty`);
  }
  return { ...rule, entries };
}

type Scalar = Pick<YamlScalar, 'kind' | 'text' | 'source'>;

function paramsOf(params: NonNullable<RuleShape['params']>, _context: Context): Record<string, string> {
  const one = (value: Scalar): string => value.text;
  const pairs = Object.entries(params).map(([key, value]) => [key, Array.isArray(value) ? value.map(one).join(' ') : one(value)]);
  return Object.fromEntries(pairs);
}

function withoutVersion(params: Record<string, string>): Record<string, string> {
  const { version: _version, ...others } = params;
  return others;
}

function versionOf(value: Scalar | readonly Scalar[] | undefined, context: Context): number | undefined {
  if (value === undefined) return undefined;
  const expected = 'a whole number from 0, or no version at all';
  const written = 'text' in value ? value : { kind: 'text', text: '', source: '' };
  if (written.kind === 'null') {
    context.add('warning', 'params.version', 'params.version is empty, so names have no version');
    return undefined;
  }
  const spelled = parseVersion(written.text);
  const version = typeof spelled === 'number' ? spelled : /^\d+$/.test(written.text) ? Number(written.text) : -1;
  if (version < 0 || version > largestRun) {
    context.add('error', 'params.version', `Not a version: '${written.source}'`, expected);
    return undefined;
  }
  if (written.kind !== 'integer') {
    context.add('warning', 'params.version', `params.version '${written.source}' is read as ${version}`);
  }
  return version;
}

function inputOf(input: NonNullable<RuleShape['input']>, context: Context): Rule['input'] {
  const { db, query, direct_path: directPath, lfn2pfn } = input;
  const role = db === undefined ? undefined : roleAliases.get(db.text);
  const mode = lfn2pfn?.text ?? 'lfn2pfn';
  if (mode !== 'lfn2pfn' && mode !== 'lfn2lfn') {
    context.add('error', 'input.lfn2pfn', `Unknown lfn2pfn '${mode}'`, "'lfn2pfn' or 'lfn2lfn'");
  }
  const isGiven = (value: Scalar | undefined): value is Scalar => value !== undefined && value.kind !== 'null';
  return {
    ...(isGiven(db) ? { db: db.text } : {}),
    ...(role === undefined ? {} : { role }),
    ...(isGiven(query) ? { query: query.text } : {}),
    ...(isGiven(directPath) ? { directPath: directPath.text } : {}),
    lfn2pfn: mode === 'lfn2lfn' ? 'lfn2lfn' : 'lfn2pfn',
  };
}

/** Values that are formatted must be texts; what the author left unquoted is taken as written. */
function textsOf(section: 'filesystem' | 'job', record: Readonly<Record<string, Scalar>>, context: Context): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(record)) {
    const path = `${section}.${key}`;
    if (value.kind === 'null') context.add('warning', path, `${path} is empty and left out`, "a text, '' for an empty one");
    else {
      if (value.kind !== 'text') context.add('warning', path, `${path} is an unquoted ${value.kind}: ${value.source}`, 'quotes');
      kept[key] = value.source;
    }
  }
  return kept;
}

function jobOf(job: Readonly<Record<string, Scalar>>, context: Context): Record<string, string> {
  const pairs = Object.entries(textsOf('job', job, context));
  return Object.fromEntries(pairs.map(([key, text]) => [/^(?:\+|my\.)/i.test(key) ? key : key.toLowerCase(), text]));
}

/** Notes where every key and value of a rule stands, two levels deep. */
function collectPlaces(rule: YamlEntry): RulePlaces {
  const keys = new Map<string, Place>([['', rule.key]]);
  const values = new Map<string, Place>();
  const segments = new Map<string, readonly TextSegment[]>();
  const collect = (entries: ReadonlyMap<string, YamlEntry>, prefix: string): void => {
    for (const [key, { key: place, value }] of entries) {
      keys.set(prefix + key, place);
      values.set(prefix + key, value.place);
      if (value.shape === 'scalar') segments.set(prefix + key, value.segments);
      if (value.shape === 'map' && prefix === '') collect(value.entries, `${key}.`);
    }
  };
  if (rule.value.shape === 'map') collect(rule.value.entries, '');
  return { keys, values, texts: segments };
}
