import { present } from '#util/present.ts';

import { renderLimitCondition, renderRunCondition, renderSegmentCondition } from './conditions.ts';
import { substitute, substituteKnown } from './substitute.ts';

import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { FieldValue, FindField } from './substitute.ts';

/** Names that a param must not have, because the original already means something else by them. */
export const reservedFields: readonly string[] = [
  'args',
  'config',
  'params',
  'run_condition',
  'seg_condition',
  'limit_condition',
  'RUNFMT',
  'SEGFMT',
  'PWD',
];

/** How Python shows the words of `--runs` or `--segments`. */
function formatWords(words: readonly (string | number)[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`;
}

function wordsOf(selection: RunOptions['runs'] | RunOptions['segments']): readonly (string | number)[] {
  switch (selection?.kind) {
    case undefined:
      return [];
    case 'cursor':
      return selection.window === undefined ? ['cursor'] : ['cursor', selection.window];
    case 'one':
      return ['run' in selection ? selection.run : selection.segment];
    case 'range':
      return [selection.first, selection.last];
    case 'list':
      return 'runs' in selection ? selection.runs : selection.segments;
  }
}

/** The options by the names that `{args.name}` knows. */
function argsOf(rule: Rule, options: RunOptions): Readonly<Record<string, string>> {
  const orNone = (value: string | undefined): string => value ?? 'None';
  const flag = (is: boolean): string => (is ? 'True' : 'False');
  return {
    ...options.args,
    rule: rule.name,
    config: rule.file,
    runs: formatWords(wordsOf(options.runs)),
    segments: formatWords(wordsOf(options.segments)),
    limit: String(options.limit),
    nevents: String(options.nevents),
    mode: options.experimentMode,
    dbtag: orNone(options.dbtag),
    mem: orNone(options.mem),
    dataset: orNone(options.inputDataset),
    mask: formatWords(options.mask),
    batch_name: orNone(options.batchName),
    mangle_dstname: orNone(options.mangleDstname),
    mangle_dirpath: orNone(options.mangleDirpath),
    append2rsync: orNone(options.appendToRsync),
    test_mode: flag(options.isTestbed),
    dbinput: flag(options.isDbinput),
    resubmit: flag(options.isResubmit),
    unblock: options.unblock.length === 0 ? 'None' : formatWords(options.unblock),
  };
}

function inputOf(rule: Rule): Readonly<Record<string, string>> {
  const { db, query, directPath, lfn2pfn } = rule.input;
  return {
    lfn2pfn,
    ...present({ db, query, direct_path: directPath }),
  };
}

/** What a rule's texts may name in braces, text by text. */
export interface FieldScope {
  /** For `input.query`: conditions, options, params as written. */
  readonly query: FindField;
  /** For `input.direct_path`: options before anything else. */
  readonly directPath: FindField;
  /** For `params.name`, `outbase` and `logbase`. */
  readonly names: FindField;
  /** For `filesystem`: as for jobs, and the stream. */
  readonly filesystem: FindField;
  /** For `job`: also the filesystem, and the names formatted. */
  readonly job: FindField;
}

/** The inputs of `makeFieldScope`: where fields such as `{outdir}` get their values. */
export interface FieldSources {
  readonly rule: Rule;
  readonly options: RunOptions;
  /** With the overrides of the options. */
  readonly params: Readonly<Record<string, string>>;
  /** With defaults, and after the renaming of a testbed. */
  readonly filesystem: Readonly<Record<string, string>>;
  /** The rule's name, formatted and mangled; it is asked for late, since formatting it needs the scope. */
  readonly nameOf: () => string;
  readonly leafdirOf: () => string;
  readonly runnameOf: () => string;
}

/**
 * Makes the fields of a rule's texts. The original filled each text in one pass and left fields that came in with a
 * value; here such leftovers are resolved too, where they name something known.
 */
export function makeFieldScope(sources: FieldSources): FieldScope {
  const { rule, options, params, filesystem } = sources;
  const args = argsOf(rule, options);
  const program = new Map<string, FieldValue>([
    ['args', args],
    ['config', { params: rule.params, input: inputOf(rule), filesystem: rule.filesystem, job: rule.job }],
    ['params', params],
    ['run_condition', renderRunCondition(options.runs, options.cursor)],
    ['seg_condition', renderSegmentCondition(options.segments)],
    ['limit_condition', renderLimitCondition(options.limit)],
    ['RUNFMT', '%08i'],
    ['SEGFMT', '%05i'],
    ['PWD', options.submitDirectory],
  ]);
  const soft = new Map<string, () => string>([
    ['runcursor', () => String(options.cursor)],
    ['mode', () => options.experimentMode],
    ['version', () => '0'],
    ['version_number', () => `v${String(rule.version ?? 0).padStart(3, '0')}`],
    ['leafdir', sources.leafdirOf],
    ['runname', sources.runnameOf],
    ['runtype', () => '$(runtype)'],
    ['rungroup', () => '$(rungroup)'],
  ]);
  const finished = new Map<string, string>();
  const open = new Set<string>();
  /** Works out a value once; one that refers to itself is unknown. */
  const once = (key: string, work: () => string): string | undefined => {
    const before = finished.get(key);
    if (before !== undefined || open.has(key)) return before;
    open.add(key);
    const text = work();
    open.delete(key);
    finished.set(key, text);
    return text;
  };
  const param = (name: string, find: FindField): string | undefined => {
    const text = Object.hasOwn(params, name) ? params[name] : undefined;
    if (text === undefined) return undefined;
    if (name === 'name') return once('params.name', sources.nameOf);
    const isTemplate = name === 'outbase' || name === 'logbase';
    return once(`params.${name}`, () => (isTemplate ? substitute(text, find).text : substituteKnown(text, find)));
  };
  const raw = (name: string): string | undefined => (Object.hasOwn(params, name) ? params[name] : undefined);
  const query: FindField = (name) => program.get(name) ?? raw(name) ?? soft.get(name)?.();
  const names: FindField = (name) => program.get(name) ?? param(name, names) ?? soft.get(name)?.();
  const inFilesystem: FindField = (name) => job(name) ?? (name === 'streamname' ? '$(streamname)' : undefined);
  const job: FindField = (name) => {
    const known = program.get(name);
    if (known !== undefined) return known;
    const directory = Object.hasOwn(filesystem, name) ? filesystem[name] : undefined;
    if (directory === undefined) return param(name, job) ?? soft.get(name)?.();
    return once(`filesystem.${name}`, () => substitute(directory, inFilesystem).text);
  };
  const directPath: FindField = (name) => {
    const option = Object.hasOwn(args, name) ? args[name] : undefined;
    return option === undefined || option === 'None' ? (query(name) ?? option) : option;
  };
  return { query, directPath, names, filesystem: inFilesystem, job };
}
