import { basename, dirname, isAbsolute, resolve } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';
import { shorten } from '#util/text/shorten.ts';

import { ownCommands } from '../../own-commands.ts';
import { parseEnvironment } from '../../parse-environment.ts';
import { parseList } from '../../parse-list.ts';
import { applyNeeds } from './apply-needs.ts';
import { encodeArguments, encodeEnvironment, encodeExpression, escapeDollars } from './encode-field.ts';
import { findUnsupervised, makeProgramPlacer } from './place-program.ts';
import { findStarterCommands, keptNameOf, makeStarterCommands } from './starter-commands.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchJob, BatchSubmission } from '../../backend.ts';
import type { PlacedProgram, ProgramPlacer } from './place-program.ts';
import type { StarterCommands } from './starter-commands.ts';

/** What the jobs of one submission have in common. */
export interface FinishInput {
  readonly submission: BatchSubmission;
  readonly site: Pick<HtcondorSite, 'commands'>;
  /** Absolute paths of our own files that travel with every job. */
  readonly ownFiles: readonly string[];
}

/** Makes jobs ready for a submit description, and remembers what is to be said about them. */
export interface JobFinisher {
  /**
   * All submit commands of one job by their name in lower case (or `+Name`), ready to be written behind `=`. What
   * differs between jobs by their number alone holds `$(slurp_cupsid)`.
   *
   * @throws Error if a value cannot be written
   */
  finish(job: BatchJob): ReadonlyMap<string, string>;
  /** Absolute paths of the rule's own input files, over all jobs so far. */
  readonly inputFiles: ReadonlySet<string>;
  /** Links that have to be there before the jobs are submitted: see {@link ProgramPlacer}. */
  readonly links: ProgramPlacer['links'];
  /** Absolute paths of the directories that outputs and logs go to, over all jobs so far. */
  readonly directories: ReadonlySet<string>;
  /** What was changed or left out, a sentence each. */
  readonly notes: ReadonlySet<string>;
}

/** Spellings of attributes that stand for submit commands; what a rule writes in the proper one counts. */
const properNames: Readonly<Record<string, string>> = {
  periodichold: 'periodic_hold',
  periodicrelease: 'periodic_release',
  periodicremove: 'periodic_remove',
  onexithold: 'on_exit_hold',
  onexitremove: 'on_exit_remove',
  transferin: 'transfer_input',
  transferout: 'transfer_output',
  transfererr: 'transfer_error',
  jobprio: 'priority',
  prio: 'priority',
  env: 'environment',
};

/**
 * The job's directory is the one that it starts in. `$$(CondorScratchDir)` would say it, but a schedd that was killed, and
 * tries to find its running jobs again, can't expand that, and holds them (HTCondor 23.9).
 */
const searchPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:.';

/** Makes a {@link JobFinisher}; pure but for what it remembers. Fast: most jobs of a submission write the same. */
export function makeJobFinisher(input: FinishInput): JobFinisher {
  const { submission, site } = input;
  const notes = new Set<string>();
  const inputFiles = new Set<string>();
  const commandsOf = makeCommandMerger(site.commands);
  const batchName = escapeDollars(submission.batchName);
  const initialOf = withMemory((written: string) => toPath(written, submission.submitDirectory));
  const programs = makeProgramPlacer(submission, notes);
  const environmentOf = withMemory((written: string, { variables }: PlacedProgram) =>
    makeEnvironment(written, submission, variables),
  );
  const inputsOf = withMemory((written: string, { inputs }: PlacedProgram) => {
    const [initial = '', list = ''] = written.split('\0');
    return makeInputs(list, initial, { ...input, ownFiles: [...input.ownFiles, ...inputs] }, notes, inputFiles);
  });
  const directories = new Set<string>();
  const placeOutputs = makeOutputPlacer(directories);
  const noteLog = makeDirectoryNoter(directories);
  const checked = new Map<string, string>();
  const finished = new Map<string, { readonly written: string; readonly made: string }>();
  const finishValue = (key: string, written: string): string => {
    const last = finished.get(key);
    if (last?.written === written) return last.made;
    const text = written.trim();
    const made = escapeDollars(key.startsWith('+') ? encodeExpression(text) : text);
    finished.set(key, { written, made });
    return made;
  };

  const starterCommandsOf = withMemory((starter: StarterCommands, keepsLogs: boolean) =>
    makeStarterCommands(starter, keepsLogs, submission.spoolDirectory),
  );

  const finish = (job: BatchJob): ReadonlyMap<string, string> => {
    const { plan, read } = commandsOf(job.commands);
    const transfer = read('should_transfer_files')?.trim() ?? '';
    if (transfer.toUpperCase() !== 'YES') {
      throw new Error(
        `'should_transfer_files' is '${transfer}': expected YES, otherwise a job has no directory of its own and no token`,
      );
    }
    const initial = initialOf(read('initialdir') ?? '.');
    const result = new Map<string, string>();
    const program = programs.place(job, read, plan.unsupervised);
    result.set('executable', finishValue('executable', program.executable));
    if (program.isInPlace) result.set('transfer_executable', 'false');
    result.set('arguments', escapeDollars(encodeArguments(job.arguments)));
    result.set('initialdir', escapeDollars(initial));
    result.set('transfer_input_files', inputsOf(`${initial}\0${read('transfer_input_files') ?? ''}`, program));
    placeOutputs(read, initial, result);
    const log = read('log')?.trim() ?? '';
    if (log !== '') noteLog(toPath(log, initial));
    const streams = plan.starter.isAny ? [] : keptStreamsOf(result);
    result.set(
      'environment',
      environmentOf(`${read('getenv') ?? ''}\0${read('environment') ?? ''}\0${streams.join(' ')}`, program),
    );
    for (const key of plan.others) {
      const value = finishValue(key, read(key) ?? '');
      // The same number stands in each row already.
      if (key.toLowerCase() === '+sphenix_slurp_cupsid') result.set(key, '$(slurp_cupsid)');
      else if (value !== '') result.set(keptNameOf(plan.starter, key), value);
    }
    if (job.needs !== undefined) applyNeeds(result, job.needs);
    if (plan.places.has('user_job_wrapper')) {
      notes.add("'user_job_wrapper' is left out: HTCondor has no such submit command");
    }
    for (const [key, value] of starterCommandsOf(plan.starter, streams.length > 0)) result.set(key, value);
    if (batchName.trim() !== '') result.set('batch_name', batchName);
    result.set('+SlurpSubmission', `"${submission.uuid}"`);
    result.set('+SlurpCupsid', '$(slurp_cupsid)');
    for (const [key, value] of result) {
      if (checked.get(key) === value) continue;
      checkOneLine(job, key, value);
      checked.set(key, value);
    }
    return result;
  };
  return { finish, inputFiles, links: programs.links, directories, notes };
}

function checkOneLine(job: BatchJob, key: string, value: string): void {
  if (!/[\n\r\0\u001F]/u.test(value)) return;
  const what = key.startsWith('+') ? `attribute '${key}'` : `submit command '${key}'`;
  throw new Error(
    `The ${what} of '${job.dstfile}' contains a line break: '${shorten(value, 60)}': remove it in the query`,
  );
}

const defaults: Readonly<Record<string, string>> = {
  universe: 'vanilla',
  should_transfer_files: 'YES',
  when_to_transfer_output: 'ON_EXIT',
};

/** Commands that are taken into account in a way of their own, or that condor must not see. */
const special = new Set([
  ...[
    'user_job_wrapper',
    'executable',
    'transfer_executable',
    'arguments',
    'initialdir',
    'environment',
    'transfer_input_files',
  ],
  ...['output_destination', 'output', 'error', 'transfer_output', 'transfer_error', 'transfer_output_files'],
  ...['transfer_output_remaps', 'batch_name', 'jobbatchname', 'queue', '+slurpsubmission', '+slurpcupsid'],
]);

/** Which commands the jobs have; the same for nearly all jobs of a submission. */
interface CommandPlan {
  /** By proper name: the key that a job writes it by, or the value that site or defaults give it. */
  readonly places: ReadonlyMap<string, { readonly key: string } | { readonly value: string }>;
  /** Names of all commands that nothing special is done with, in order. */
  readonly others: readonly string[];
  /** What the rule or the site itself lets the starter run before and after a job. */
  readonly starter: StarterCommands;
  /** Of all names, those with which a job may not run under the launcher. */
  readonly unsupervised: readonly string[];
}

type ReadCommand = (name: string) => string | undefined;

/** Brings the commands of jobs together with those of the site, under their proper names. */
function makeCommandMerger(
  siteCommands: Readonly<Record<string, string>>,
): (commands: Readonly<Record<string, string>>) => { readonly plan: CommandPlan; readonly read: ReadCommand } {
  const makePlan = (commands: Readonly<Record<string, string>>): CommandPlan => {
    const places = new Map<string, { readonly key: string } | { readonly value: string }>();
    for (const [name, value] of Object.entries(defaults)) places.set(name, { value });
    for (const [name, key] of namesOf(commands)) places.set(name, { key });
    for (const [name, key] of namesOf(siteCommands))
      places.set(name, { value: assertPresent(siteCommands[key], 'a command of the site') });
    const others = [...places.keys()].filter((name) => !special.has(name.toLowerCase()));
    return { places, others, starter: findStarterCommands(others), unsupervised: findUnsupervised(others) };
  };
  let keys: readonly string[] | undefined;
  let plan: CommandPlan | undefined;
  return (commands) => {
    const present = Object.keys(commands);
    const isKnown = keys?.length === present.length && keys.every((key, index) => key === present[index]);
    if (plan === undefined || !isKnown) plan = makePlan(commands);
    keys = present;
    const { places } = plan;
    const read = (name: string): string | undefined => {
      const place = places.get(name);
      if (place === undefined) return undefined;
      return 'value' in place ? place.value : commands[place.key];
    };
    return { plan, read };
  };
}

/** The keys of some commands by their proper names; where a command is there in two spellings, the proper one counts. */
function namesOf(commands: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const proper = new Set<string>();
  for (const key of Object.keys(commands)) {
    const attribute = /^(?:\+|my\.)(.+)$/iu.exec(key)?.[1];
    const name = attribute === undefined ? key.toLowerCase() : `+${attribute}`;
    const other = properNames[name];
    if (other === undefined) proper.add(name);
    if (other === undefined || !proper.has(other)) names.set(other ?? name, key);
  }
  return names;
}

function makeEnvironment(written: string, submission: BatchSubmission, own: Readonly<Record<string, string>>): string {
  const [getenv = '', text = '', streams = ''] = written.split('\0');
  const isInherited = getenv !== '' && !/^false$/iu.test(getenv.trim());
  const variables: Record<string, string> = { ...submission.environment, ...parseEnvironment(text), ...own };
  const protectedOnes = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [escapeDollars(name), escapeDollars(value)]),
  );
  return encodeEnvironment({
    // A job has neither of condor, and old scripts call 'cups.py' without a path.
    ...(isInherited ? {} : { PATH: searchPath }),
    ...protectedOnes,
    SLURP_START: '$$([NumJobStarts])',
    cupsid: '$(slurp_cupsid)',
    ...(streams.includes('output') ? { SLURP_STDOUT: '$$([Out])' } : {}),
    ...(streams.includes('error') ? { SLURP_STDERR: '$$([Err])' } : {}),
  });
}

/** The streams whose files are named in the job's environment. A path with a space is left out: it would break the environment. */
function keptStreamsOf(result: ReadonlyMap<string, string>): readonly string[] {
  return ['output', 'error'].filter((key) => {
    const path = result.get(key);
    return path !== undefined && !/[\s'"]/u.test(path);
  });
}

function makeInputs(
  list: string,
  initial: string,
  { ownFiles }: FinishInput,
  notes: Set<string>,
  inputFiles: Set<string>,
): string {
  const own = new Set(ownFiles.map((path) => basename(path)));
  const files: string[] = [];
  for (const item of parseList(list)) {
    const name = basename(item);
    if (name === 'odbc.ini') {
      notes.add(`'${item}' is not sent to jobs: they have no access to databases or their passwords`);
    } else if (!ownCommands.has(name) && !own.has(name)) {
      if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(item)) {
        files.push(item);
        continue;
      }
      const path = isAbsolute(item) ? item : resolve(initial, item) + (item.endsWith('/') ? '/' : '');
      inputFiles.add(path);
      files.push(path);
    }
  }
  // Ours last, for of two files of one name the later counts: a directory of the rule may have an old 'cups.py'.
  return escapeDollars([...files, ...ownFiles].join(',')) || '""';
}

/**
 * Reports where files of a job go, by absolute paths on the submit host. `output_destination` itself is never sent: with it
 * and a file to transfer, a job of 23.9 dies at its end and starts again, for ever.
 */
function makeOutputPlacer(
  directories: Set<string>,
): (read: ReadCommand, initial: string, result: Map<string, string>) => void {
  const destinationOf = withMemory((written: string) => {
    const [initial = '', text = '.'] = written.split('\0');
    return toPath(text, initial);
  });
  const notes = { output: makeDirectoryNoter(directories), error: makeDirectoryNoter(directories) };
  return (read, initial, result) => {
    const written = read('output_destination') ?? '.';
    const destination = destinationOf(`${initial}\0${written}`);
    const isElsewhere = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//iu.test(written);
    for (const key of ['output', 'error'] as const) {
      const path = putStream(result, read, destination, key);
      if (path !== undefined && !isElsewhere) notes[key](path);
    }
    const files = parseList(read('transfer_output_files'));
    result.set('transfer_output_files', files.length === 0 ? '""' : escapeDollars(files.join(',')));
    if (isElsewhere) {
      result.set('output_destination', escapeDollars(written));
      return;
    }
    const remaps = remapsOf(read('transfer_output_remaps') ?? '', files, destination);
    if (files.length > 0 && !destination.includes('$(')) directories.add(destination);
    if (remaps !== '') result.set('transfer_output_remaps', escapeDollars(`"${remaps}"`));
  };
}

/** Notes the directories of files, one after the other; neighbours have the same, which is seen at once. */
function makeDirectoryNoter(directories: Set<string>): (path: string) => void {
  let last = '';
  return (path) => {
    if (last !== '' && path.startsWith(last) && !path.includes('/', last.length)) return;
    const directory = dirname(path);
    last = `${directory}/`;
    // What the batch system alone can fill in is not known here.
    if (!directory.includes('$(')) directories.add(directory);
  };
}

/** Reports where a stream goes, if it goes anywhere: an absolute path. */
function putStream(
  result: Map<string, string>,
  read: ReadCommand,
  destination: string,
  key: 'output' | 'error',
): string | undefined {
  const transfer = `transfer_${key}` as const;
  const value = read(key)?.trim() ?? '';
  const isTransferred = read(transfer);
  if (value !== '' && value !== '""' && value !== '/dev/null') {
    const path = toPath(value, destination);
    result.set(key, escapeDollars(path));
    return path;
  }
  if (isTransferred !== undefined) result.set(transfer, escapeDollars(isTransferred));
  return undefined;
}

/** What the rule remaps itself stays as it is; every other file goes to the destination. */
function remapsOf(written: string, files: readonly string[], destination: string): string {
  const own = written.trim().replaceAll(/^"|"$/gu, '');
  const remapped = own === '' ? [] : own.split(';').map((pair) => pair.split('=')[0]?.trim());
  const others = files
    .map((file) => basename(file))
    .filter((name) => !remapped.includes(name))
    .map((name) => `${escapeRemap(name)}=${escapeRemap(`${destination}/${name}`)}`);
  return [...(own === '' ? [] : [own]), ...others].join(';');
}

function escapeRemap(text: string): string {
  return /[=;\\]/u.test(text) ? text.replaceAll(/[=;\\]/gu, String.raw`\$&`) : text;
}

/** `file:///a/b`, `file://./a`, `a` → an absolute path. */
function toPath(text: string, base: string): string {
  const path = withoutFileScheme(text.trim());
  // Most are resolved already, and to see that is many times faster than to do it.
  const isResolved = path.startsWith('/') && !path.endsWith('/') && !path.includes('//') && !path.includes('/.');
  return isResolved ? path : resolve(base, path);
}

/** Most jobs of a submission write the same: the last answer is kept. */
function withMemory<Input extends readonly unknown[], Made>(
  make: (...input: Input) => Made,
): (...input: Input) => Made {
  let last: { readonly input: Input; readonly made: Made } | undefined;
  return (...input) => {
    if (last === undefined || !isSame(last.input, input)) last = { input, made: make(...input) };
    return last.made;
  };
}

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.every((one, index) => one === others[index]);
}
