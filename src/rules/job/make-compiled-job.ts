import { formatRungroup, formatVersion, streamMacro } from '#model/dst-name.ts';
import { assertPresent } from '#util/assert-present.ts';

import { makeMacroProgram } from '../expand-macros.ts';
import { madeDirectories } from './job-defaults.ts';
import { runTypeOf } from './run-type.ts';

import type { RunOptions } from '#model/run-options.ts';

import type { MacroMeaning, MacroProblem, MacroProgram, Template } from '../expand-macros.ts';
import type { RuleNames } from '../rule-names.ts';
import type { JobContext } from './job-row.ts';

/** Stands in the arguments for the directory that jobs stage from. */
export const stageMacro = '$(slurp.stage)';

/** A job whose texts wait for the values of one row. Made by `prepareRule`, read by `expandJob`. */
export interface CompiledJob {
  readonly program: MacroProgram<JobContext>;
  readonly executable: { readonly kind: 'wrapper' } | { readonly kind: 'own'; readonly template: Template };
  readonly arguments: Template;
  readonly commands: readonly NamedTemplate[];
  readonly attributes: readonly NamedTemplate[];
  /** Keys of the filesystem, each of whose text a directory is to be made for. */
  readonly directories: readonly NamedTemplate[];
  /** Which commands are paths below the submit directory, wherever the batch system's own directory is. */
  readonly ownLogs: readonly string[];
  readonly submitDirectory: string;
  /** Whether jobs copy the items of `rsync` from a directory that is among their arguments. */
  readonly isStaging: boolean;
}

/** A submit command or attribute, and its text. */
export interface NamedTemplate {
  readonly key: string;
  readonly template: Template;
}

/** Everything that `makeCompiledJob` works with; all texts formatted, so that only macros are left in them. */
export interface JobTexts {
  readonly names: RuleNames;
  readonly params: Readonly<Record<string, string>>;
  readonly script: string;
  readonly payload: string;
  readonly filesystem: Readonly<Record<string, string>>;
  /** Entries of the filesystem that jobs need whether or not a macro names them. */
  readonly neededDirectories: ReadonlySet<string>;
  /** Absent: the wrapper. */
  readonly executable?: string;
  readonly arguments: string;
  /** All other submit commands. */
  readonly commands: Readonly<Record<string, string>>;
  /** Of these, the paths of logs that the rule left to us. */
  readonly ownLogs: readonly string[];
  readonly options: RunOptions;
}

/** Writes a text as ClassAd string: quotes and backslashes escaped, no line break in it. */
function quoteClassAd(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

const withCommas = (list: string): string =>
  /\s/.test(list)
    ? list
        .trim()
        .split(/[\s,]+/)
        .join(',')
    : list;

/** A macro is its name in any case, a column may have capitals: `as "Odd"`. */
function findSpelled(extra: JobContext['row']['extra'], name: string): string | undefined {
  for (const key in extra) if (key.toLowerCase() === name) return extra[key];
  return undefined;
}

type Meanings = Readonly<Record<string, MacroMeaning<JobContext>>>;

const toConstant = (text: string): MacroMeaning<JobContext> => ({ kind: 'constant', text });
const toValue = (read: (context: JobContext) => string | undefined, otherwise?: string): MacroMeaning<JobContext> =>
  otherwise === undefined ? { kind: 'value', read } : { kind: 'value', read, otherwise };

/** The macros that SLURP itself provides; they go before columns of the query. */
function ownMacrosOf(texts: JobTexts): Meanings {
  const { names, params, options } = texts;
  const { dsttype, build, tag, version } = names.production;
  const hasStream = dsttype.includes(streamMacro);
  const own: Record<string, MacroMeaning<JobContext>> = {
    name: hasStream ? toValue(({ row }) => row.dsttype) : toConstant(dsttype),
    script: toConstant(texts.script),
    payload: toConstant(texts.payload),
    build: toConstant(build),
    buildarg: toConstant(names.buildarg),
    tag: toConstant(tag),
    version: toConstant(formatVersion(version ?? 0)),
    runname: { kind: 'template', text: names.runname },
    leafdir: { kind: 'template', text: names.leafdir },
    mem: toConstant(params['mem'] ?? '4096MB'),
    disk: toConstant(params['disk'] ?? '10GB'),
    nevents: toConstant(String(options.nevents)),
    resubmit: toConstant(options.isResubmit ? 'True' : 'False'),
    lfn: toValue(({ row }) => row.source),
    dst: toValue(({ row }) => `${row.dstfile}.root`),
    run: toValue(({ row }) => String(row.run)),
    seg: toValue(({ row }) => String(row.segment)),
    rungroup: toValue(({ row }) => formatRungroup(row.run)),
    runtype: toValue(({ row }) => runTypeOf(row.inputs)),
    streamname: toValue(({ row }) => row.streamname, params['streamname']),
    'slurp.dsttype': toValue(({ row }) => quoteClassAd(row.dsttype)),
    'slurp.dstfile': toValue(({ row }) => row.dstfile),
    'slurp.dstname': toValue(({ row }) => quoteClassAd(row.dstname)),
    inputs: options.isDbinput ? toConstant('dbinput') : toValue(({ row }) => withCommas(row.inputs)),
    ranges: options.isDbinput ? toConstant('dbranges') : toValue(({ row }) => withCommas(row.ranges) || 'unset'),
    cupsid: toValue(({ cupsid }) => String(cupsid)),
    'slurp.stage': toValue(({ stageDirectory }) => stageDirectory ?? options.submitDirectory),
  };
  if (params['neventsper'] !== undefined) own['neventsper'] = toConstant(params['neventsper']);
  return own;
}

/** Attributes of a job, by which people and other programs find it again. */
function attributesOf(texts: JobTexts, program: MacroProgram<JobContext>): readonly NamedTemplate[] {
  const { names, options } = texts;
  const dataset = quoteClassAd(names.dataset);
  const stamp = quoteClassAd(`${options.now.slice(0, 19).replace('T', ' ')}+00:00`);
  const attributes: [string, string][] = [
    ['+sPHENIX_PRODUCTION', '$(slurp.dstname)'],
    ['+sPHENIX_DSTTYPE', '$(slurp.dsttype)'],
    ['+sPHENIX_DATASET', dataset],
    ['+sPHENIX_RUNNUMBER', '$(run)'],
    ['+sPHENIX_SEGMENT', '$(seg)'],
    ['+sPHENIX_SLURP_CUPSID', '$(cupsid)'],
  ];
  if (options.isResubmit) {
    attributes.push(['+sPHENIX_SLURP_RESUBMIT', '"True"'], ['+sPHENIX_SLURP_RESUBMIT_TIMESTAMP', stamp]);
  }
  if (options.unblock.length > 0) {
    attributes.push(['+sPHENIX_SLURP_UNBLOCK', quoteClassAd(options.unblock.join(','))]);
    attributes.push(['+sPHENIX_SLURP_UNBLOCK_TIMESTAMP', stamp]);
  }
  return attributes.map(([key, text]) => ({ key, template: program.compile(text) }));
}

/**
 * Compiles the texts of a job once, so that `expandJob` only has to put values in. A macro is looked for among our own,
 * the filesystem, the columns of the query, the submit commands and the params, in this order.
 *
 * @param complain called for every oddity in a text: `path` is `job.KEY` or `filesystem.KEY`
 */
export function makeCompiledJob(texts: JobTexts, complain: (path: string, problem: MacroProblem) => void): CompiledJob {
  const own = ownMacrosOf(texts);
  const needed = new Set(texts.neededDirectories);
  const lower = (record: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
    new Map(Object.entries(record).map(([key, text]) => [key.toLowerCase(), text]));
  const filesystem = lower(texts.filesystem);
  const commands = lower(texts.commands);
  const params = lower(texts.params);
  // An unversioned name has no `_v000`, and neither have the directories and batch names that are built alike.
  const finish = (text: string): string =>
    texts.names.production.version === undefined ? text.replace(/_\$\(version\)/gi, '') : text;

  const program = makeMacroProgram<JobContext>((name) => {
    const known = Object.hasOwn(own, name) ? own[name] : undefined;
    if (known !== undefined) return known;
    const directory = filesystem.get(name);
    if (directory !== undefined) {
      needed.add(name);
      return { kind: 'template', text: finish(directory) };
    }
    const otherwise = commands.get(name) ?? params.get(name);
    const read = ({ row }: JobContext): string | undefined => row.extra[name] ?? findSpelled(row.extra, name);
    return otherwise === undefined ? { kind: 'value', read, isUncertain: true } : toValue(read, finish(otherwise));
  });
  const compile = (path: string, text: string): Template =>
    program.compile(finish(text), (problem) => complain(path, problem));

  const { executable } = texts;
  const compiled = {
    program,
    executable:
      executable === undefined
        ? ({ kind: 'wrapper' } as const)
        : ({ kind: 'own', template: compile('job.executable', executable) } as const),
    arguments: compile('job.arguments', texts.arguments),
    commands: Object.entries(texts.commands).map(([key, text]) => ({ key, template: compile(`job.${key}`, text) })),
    attributes: attributesOf(texts, program),
    ownLogs: texts.ownLogs,
    submitDirectory: texts.options.submitDirectory,
    isStaging: texts.arguments.includes(stageMacro),
  };
  // Last, when it is known which directories the other texts name.
  const directories = madeDirectories
    .filter((key) => needed.has(key))
    .map((key) => ({
      key,
      template: compile(`filesystem.${key}`, assertPresent(texts.filesystem[key], 'the path of a directory')),
    }));
  return { ...compiled, directories };
}
