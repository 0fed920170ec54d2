import { basename } from 'node:path';

import { formatVersion, streamMacro } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import { makeMacroProgram, renderTemplate } from '../expand-macros.ts';
import { substituteKnown } from '../substitute.ts';
import { isFormedKey } from './check-finished-value.ts';
import { checkJobKeys } from './check-job-keys.ts';
import { checkJobValues } from './check-values.ts';
import { defaultLogsOf } from './default-logs.ts';
import { jobDefaults, madeDirectories } from './job-defaults.ts';
import { makeCompiledJob, stageMacro } from './make-compiled-job.ts';

import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Complainer } from '../complain.ts';
import type { MacroProblem } from '../expand-macros.ts';
import type { FieldScope } from '../field-scope.ts';
import type { FillText } from '../fill-text.ts';
import type { RuleNames } from '../rule-names.ts';
import type { CompiledJob, NamedTemplate } from './make-compiled-job.ts';

/** The inputs of `prepareJob`: a rule with its overrides, and what fills its texts. */
export interface JobSources {
  readonly rule: Rule;
  readonly options: RunOptions;
  readonly names: RuleNames;
  readonly params: Readonly<Record<string, string>>;
  readonly filesystem: Readonly<Record<string, string>>;
  readonly scope: FieldScope;
  readonly fill: FillText;
  readonly complainer: Complainer;
}

/** The part of a prepared rule that is about its job. */
export interface PreparedJob {
  readonly job: CompiledJob;
  readonly script: string;
  readonly payload: string;
  readonly rsync: string;
  readonly batchName: string;
  readonly columns: readonly {
    readonly name: string;
    readonly macro: string;
    readonly path: string;
    readonly offset: number;
  }[];
}

/** A filled text, and the way back from it into the rule's own. */
interface Filled {
  readonly text: string;
  readonly originOf: (offset: number) => number;
}

/** Two arguments from which a script stages: the directory, and what to copy from it. */
const stagingPair = /^\{\s*PWD\s*\}\s+\{\s*rsync\s*\}/;

/** Fills the arguments; what the wrapper needs stands before and behind those of the rule. */
function prepareArguments(sources: JobSources, written: string, script: string | undefined): Filled {
  const { scope, fill, complainer, options } = sources;
  const path = 'job.arguments';
  const endsRight = /\{PWD\}\s+\{rsync\}\s*$/.test(written);
  const isWrapped = script !== undefined;
  if (isWrapped && !endsRight && /\{PWD\}|\{rsync\}/.test(written)) {
    const message = '{PWD} {rsync} are not the last two arguments';
    complainer.error({ path, message, expected: 'them at the end, where the wrapper looks for them' });
  }
  const missing = isWrapped && !/\{PWD\}|\{rsync\}/.test(written) ? ' {PWD} {rsync}' : '';
  const template = written + missing;
  const { text, originOf } = fill(path, template, (name, offset) => {
    // Scripts copy SUBDIR/ITEM from this pair: that is where the snapshot of the payload comes in.
    if (name === 'PWD' && stagingPair.test(template.slice(offset))) return stageMacro;
    const value = scope.job(name);
    // Of these two it is an error, reported elsewhere.
    if (name !== 'rsync' && name !== 'PWD' && typeof value === 'string' && /\s/.test(value)) {
      const message = `'{${name}}' puts spaces into the arguments: '${value}'`;
      complainer.warning({ path, message, expected: 'no spaces, because they shift all later arguments' });
    }
    return value;
  });
  if (/\s/.test(options.submitDirectory) && template.includes('{PWD}')) {
    const message = `The submit directory contains spaces: '${options.submitDirectory}'`;
    complainer.error({ path, message, expected: 'a path without spaces, because they separate arguments' });
  }
  const prefix = isWrapped ? `${script} ` : '';
  return {
    text: `${prefix}${text.trim()} $(cupsid)`,
    originOf: (offset) => originOf(Math.max(0, offset - prefix.length)),
  };
}

/** The name of the whole submission: macros that differ from job to job are left out, a stream is an `X`. */
function expandBatchName(template: string, names: RuleNames, params: Readonly<Record<string, string>>): string {
  const { dsttype, build, tag, version } = names.production;
  const texts: Readonly<Record<string, string>> = {
    ...params,
    name: dsttype.replaceAll(streamMacro, 'X'),
    build,
    buildarg: names.buildarg,
    tag,
    version: formatVersion(version ?? 0),
    runname: names.runname,
  };
  const text = version === undefined ? template.replace(/_\$\(version\)/gi, '') : template;
  const program = makeMacroProgram<undefined>((name) => {
    const known = Object.hasOwn(texts, name) ? texts[name] : undefined;
    return known === undefined ? undefined : { kind: 'constant', text: known };
  });
  return renderTemplate(program.compile(text), []);
}

/** Fills and compiles everything that a rule says about its job. */
export function prepareJob(sources: JobSources): PreparedJob {
  const { rule, options, names, params, filesystem, scope, fill, complainer } = sources;
  const { executable, arguments: ownArguments, batch_name: ownBatchName, ...ownCommands } = rule.job;
  const { arguments: defaultArguments = '', batch_name: defaultBatchName = '', ...defaultCommands } = jobDefaults;
  checkJobKeys(rule, complainer);
  const resolved = (text: string): string => substituteKnown(text, scope.job);
  const isWrapped = executable === undefined || executable === '';
  if (isWrapped) checkScript(params['script'], complainer);
  checkSupervise(rule, isWrapped, complainer);
  const ownExecutable = isWrapped ? undefined : fill('job.executable', executable, scope.job).text;
  const script = resolved(params['script'] ?? basename(ownExecutable ?? ''));
  const usesRsync = isWrapped || Object.values(rule.job).some((text) => text.includes('{rsync}'));
  if (rule.params['rsync'] === undefined && usesRsync && rule.params['payload'] !== undefined) {
    complainer.warning({ path: 'params', message: `params.rsync is missing, so '${params['rsync']}' is staged` });
  }

  const origins = new Map<string, (offset: number) => number>();
  const filled = (path: string, { text, originOf }: Filled): string => {
    origins.set(path, originOf);
    return path.startsWith('job.') ? joinLines(text) : text;
  };
  const fields = new Set<string>();
  const find = (name: string): ReturnType<typeof scope.job> => {
    fields.add(name);
    return scope.job(name);
  };
  const commands: Record<string, string> = {};
  const logs = defaultLogsOf(rule, isWrapped);
  for (const [key, text] of Object.entries({ ...defaultCommands, ...ownCommands, ...logs })) {
    commands[key] = filled(`job.${key}`, fill(`job.${key}`, text, find));
  }
  const finishedFilesystem: Record<string, string> = {};
  for (const [key, text] of Object.entries(filesystem)) {
    finishedFilesystem[key] = filled(`filesystem.${key}`, fill(`filesystem.${key}`, text, scope.filesystem));
  }
  checkCycles(finishedFilesystem, complainer);
  const written = ownArguments ?? defaultArguments;
  checkSpaces(written, { ...params, ...finishedFilesystem }, complainer);
  const found = { ...sources, scope: { ...scope, job: find } };
  const finishedArguments = filled('job.arguments', prepareArguments(found, written, isWrapped ? script : undefined));
  const batchName = options.batchName ?? fill('job.batch_name', ownBatchName ?? defaultBatchName, scope.job).text;

  const columns: { name: string; macro: string; path: string; offset: number }[] = [];
  const onProblem = (path: string, problem: MacroProblem): void => {
    const offset = origins.get(path)?.(problem.offset) ?? 0;
    const { macro } = problem;
    if (problem.kind === 'uncertain' && problem.name !== undefined)
      columns.push({ name: problem.name, macro, path, offset });
    else reportMacro(complainer, path, offset, problem);
  };
  const job = makeCompiledJob(
    {
      names,
      params: Object.fromEntries(Object.entries(params).map(([key, text]) => [key, textOf(scope.job(key), text)])),
      script,
      payload: resolved(params['payload'] ?? '.'),
      filesystem: finishedFilesystem,
      neededDirectories: new Set(madeDirectories.filter((key) => key in rule.filesystem || fields.has(key))),
      ...present({ executable: ownExecutable }),
      arguments: finishedArguments,
      commands,
      ownLogs: Object.keys(logs),
      // Scripts that are older than `cups getinputs` want the lists themselves; their rule says so.
      options: { ...options, isDbinput: options.isDbinput && params['dbinput']?.toLowerCase() !== 'false' },
    },
    onProblem,
  );
  checkJobValues(writtenValuesOf(rule, job), complainer);
  return {
    job,
    script,
    payload: resolved(params['payload'] ?? '.'),
    rsync: resolved(params['rsync'] ?? ''),
    batchName: expandBatchName(batchName, names, params),
    columns,
  };
}

/** Where `supervise` changes nothing, its author meant something else. */
function checkSupervise({ isSupervised, params }: Rule, isWrapped: boolean, complainer: Complainer): void {
  const path = 'params.supervise';
  if (params['supervise'] !== undefined) {
    complainer.warning({ path, message: `${path} has no effect`, expected: "'supervise' next to 'params', not in it" });
  }
  if (isSupervised === undefined || !isWrapped) return;
  const message = 'supervise has no effect: the rule has no job.executable, and the wrapper supervises its script';
  complainer.warning({ path: 'supervise', message });
}

/** The wrapper cannot do without a script, and arguments are separated by spaces. */
function checkScript(script: string | undefined, complainer: Complainer): void {
  const expected = 'the program that the wrapper runs';
  if (script === undefined) {
    const missingKey = 'params.script';
    complainer.error({ path: 'params', message: `${missingKey} is missing`, expected, missingKey });
  } else if (script.trim() === '' || script === 'None') {
    complainer.error({ path: 'params.script', message: 'params.script is empty', expected });
  } else if (/\s/.test(script.trim())) {
    const message = `params.script contains spaces: '${script}'`;
    complainer.error({
      path: 'params.script',
      message,
      expected: 'a name without spaces, because they separate arguments',
    });
  }
}

/** A macro with spaces in it moves all arguments behind it; of fields that is reported where they are filled. */
function checkSpaces(written: string, values: Readonly<Record<string, string>>, complainer: Complainer): void {
  for (const { index, 0: macro, 1: name = '' } of written.matchAll(/\$\((\w+)\)/g)) {
    const value = values[name];
    if (value === undefined || !/\S\s+\S/.test(value) || ['name', 'build', 'tag'].includes(name)) continue;
    const message = `'${macro}' puts spaces into the arguments: '${value}'`;
    const expected = 'no spaces, because they shift all later arguments';
    complainer.warning({ path: 'job.arguments', offset: index, message, expected });
  }
}

/** Entries of the filesystem that need each other keep a field for ever. */
function checkCycles(filesystem: Readonly<Record<string, string>>, complainer: Complainer): void {
  for (const [key, text] of Object.entries(filesystem)) {
    const field = [...text.matchAll(/\{(\w+)\}/g)].find(([, name = '']) => Object.hasOwn(filesystem, name))?.[0];
    if (field === undefined) continue;
    const expected = 'a value without this cycle';
    complainer.error({ path: `filesystem.${key}`, message: `'${field}' refers to itself`, expected });
  }
}

/**
 * Several lines of a rule are one to the batch system: their ends become spaces, except in texts in double quotes, where
 * they would change what is meant. No character changes its place.
 */
function joinLines(text: string): string {
  if (!/[\n\r]/.test(text)) return text;
  return text.trimEnd().replaceAll(/"(?:[^"\\]|\\[^])*"|[\n\r]/g, (piece) => (piece.startsWith('"') ? piece : ' '));
}

/** The commands that a rule writes, with a number in place of what differs from job to job. */
function writtenValuesOf(rule: Rule, job: CompiledJob): ReadonlyMap<string, string> {
  // What is wrong with `params.mem` is reported there.
  const isInserted = (key: string): boolean =>
    /^\s*(?:\$\((?:mem|disk)\)|\{(?:mem|disk)\})\s*$/i.test(rule.job[key] ?? '');
  const isOpen = ({ key, template }: NamedTemplate): boolean => template.slots.length > 0 && isFormedKey(key);
  const own = job.commands.filter((one) => one.key in rule.job && !isInserted(one.key) && !isOpen(one));
  return new Map(own.map(({ key, template }) => [key, template.texts.join('1')]));
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function reportMacro(complainer: Complainer, path: string, offset: number, problem: MacroProblem): void {
  const { macro, kind } = problem;
  switch (kind) {
    case 'malformed':
      complainer.error({
        path,
        offset,
        message: `'${macro}' is not a macro`,
        expected: 'for example $(name) or $INT(name,%08i)',
      });
      return;
    case 'cycle':
      complainer.error({
        path,
        offset,
        message: `'${macro}' refers to itself`,
        expected: 'a value without this cycle',
      });
      return;
    case 'left-to-batch':
      complainer.warning({
        path,
        offset,
        message: `'${macro}' is left to the batch system`,
        expected: 'a batch system that defines it',
      });
      return;
    case 'unprovided':
    case 'uncertain':
      complainer.error({
        path,
        offset,
        message: `'${macro}' is not defined`,
        expected: 'a defined macro',
      });
  }
}
