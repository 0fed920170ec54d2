import { basename, isAbsolute, join, resolve } from 'node:path';

import { parseEnvironment, parseList } from '../local/submit-commands.ts';
import { encodeArguments, encodeEnvironment, encodeExpression, protectDollars } from './escape-text.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchJob, BatchSubmission } from '../backend.ts';

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

/** Names that mean commands of ours, which every job gets. */
const ownNames = new Set(['cups.py', 'pull.py', 'bachi.py', 'init.sh', 'cups', 'pull', 'bachi']);

const searchPath = '$$(CondorScratchDir):/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** Makes a {@link JobFinisher}; pure but for what it remembers. */
export function makeJobFinisher(input: FinishInput): JobFinisher {
  const { submission, site } = input;
  const notes = new Set<string>();
  const inputFiles = new Set<string>();
  const siteCommands = withProperNames(site.commands);
  const environmentOf = memoized((written: string) => environmentFor(written, submission));
  const inputsOf = memoized((written: string) => {
    const [initial = '', list = ''] = written.split('\0');
    return inputsFor(list, initial, input, notes, inputFiles);
  });

  const finish = (job: BatchJob): ReadonlyMap<string, string> => {
    const commands: Record<string, string> = { ...defaults, ...withProperNames(job.commands), ...siteCommands };
    const transfer = commands['should_transfer_files']?.trim() ?? '';
    if (transfer.toUpperCase() !== 'YES') {
      throw new Error(
        `'should_transfer_files' is '${transfer}': expected YES, else a job has no folder of its own, and no token`,
      );
    }
    const initial = toPath(commands['initialdir'] ?? '.', submission.submitDirectory);
    const result = new Map<string, string>();
    const put = (key: string, value: string): void => {
      if (/[\n\r\0\u001F]/u.test(value)) {
        const what = key.startsWith('+') ? `attribute '${key}'` : `submit command '${key}'`;
        throw new Error(`The ${what} of '${job.dstfile}' holds a line end: '${shorten(value)}'; write it in one line`);
      }
      result.set(key, value);
    };

    put('executable', protectDollars(job.executable));
    put('arguments', protectDollars(encodeArguments(job.arguments)));
    put('initialdir', protectDollars(initial));
    put('environment', environmentOf(`${commands['getenv'] ?? ''}\0${commands['environment'] ?? ''}`));
    put('transfer_input_files', inputsOf(`${initial}\0${commands['transfer_input_files'] ?? ''}`));
    placeOutputs(commands, initial, put);
    for (const [key, value] of Object.entries(commands)) {
      if (result.has(key) || leftOut.has(key)) continue;
      if (key.toLowerCase() === '+sphenix_slurp_cupsid') {
        put(key, '$(slurp_cupsid)');
      } else {
        const text = value.trim();
        if (text !== '') put(key, protectDollars(key.startsWith('+') ? encodeExpression(text) : text));
      }
    }
    if (commands['user_job_wrapper'] !== undefined) {
      notes.add("'user_job_wrapper' is left out: HTCondor has no such submit command");
    }
    put('batch_name', protectDollars(submission.batchName));
    put('+SlurpSubmission', `"${submission.uuid}"`);
    put('+SlurpCupsid', '$(slurp_cupsid)');
    return result;
  };
  return { finish, inputFiles, notes };
}

const defaults: Readonly<Record<string, string>> = {
  universe: 'vanilla',
  should_transfer_files: 'YES',
  when_to_transfer_output: 'ON_EXIT',
};

/** Commands that were taken into account elsewhere, or that condor must not see. */
const leftOut = new Set([
  ...['user_job_wrapper', 'output_destination', 'output', 'error', 'transfer_output', 'transfer_error'],
  ...['transfer_output_files', 'transfer_output_remaps', 'batch_name', 'jobbatchname', 'queue'],
]);

function withProperNames(commands: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const renamed: Record<string, string> = {};
  for (const [key, value] of Object.entries(commands)) {
    const attribute = /^(?:\+|my\.)(.+)$/iu.exec(key)?.[1];
    const name = attribute === undefined ? key.toLowerCase() : `+${attribute}`;
    const proper = properNames[name];
    if (proper === undefined) renamed[name] = value;
    else renamed[proper] ??= value;
  }
  // What stands there in the proper spelling goes before a default in the other one.
  for (const [key, value] of Object.entries(commands)) {
    const name = key.toLowerCase();
    if (Object.values(properNames).includes(name)) renamed[name] = value;
  }
  return renamed;
}

function environmentFor(written: string, submission: BatchSubmission): string {
  const [getenv = '', text = ''] = written.split('\0');
  const isInherited = getenv !== '' && !/^false$/iu.test(getenv.trim());
  const variables: Record<string, string> = { ...submission.environment, ...parseEnvironment(text) };
  const protectedOnes = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [protectDollars(name), protectDollars(value)]),
  );
  return encodeEnvironment({
    // A job has neither of condor, and old scripts call 'cups.py' without a path.
    ...(isInherited ? {} : { PATH: searchPath }),
    ...protectedOnes,
    SLURP_JOB_DIRECTORY: '$$(CondorScratchDir)',
    SLURP_START: '$$([NumJobStarts])',
    cupsid: '$(slurp_cupsid)',
  });
}

function inputsFor(
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
      notes.add(`'${item}' is not sent to jobs: they reach no database, and no secret of one travels`);
    } else if (!ownNames.has(name) && !own.has(name)) {
      if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(item)) {
        files.push(item);
        continue;
      }
      const path = isAbsolute(item) ? item : resolve(initial, item) + (item.endsWith('/') ? '/' : '');
      inputFiles.add(path);
      files.push(path);
    }
  }
  return protectDollars([...ownFiles, ...files].join(',')) || '""';
}

/**
 * Says where files of a job go, by absolute paths on the submit host. `output_destination` itself is never sent: with it
 * and a file to transfer, a job of 23.9 dies at its end and starts again, for ever.
 */
function placeOutputs(
  commands: Readonly<Record<string, string>>,
  initial: string,
  put: (key: string, value: string) => void,
): void {
  const destination = toPath(commands['output_destination'] ?? '.', initial);
  const isScheme = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//iu.test(commands['output_destination'] ?? '');
  for (const [key, transfer] of [
    ['output', 'transfer_output'],
    ['error', 'transfer_error'],
  ] as const) {
    const value = commands[key]?.trim() ?? '';
    if (value !== '' && value !== '""' && value !== '/dev/null') {
      put(key, protectDollars(toPath(value, destination)));
    } else if (commands[transfer] !== undefined) {
      put(transfer, protectDollars(commands[transfer]));
    }
  }
  const files = parseList(commands['transfer_output_files']);
  put('transfer_output_files', files.length === 0 ? '""' : protectDollars(files.join(',')));
  if (isScheme && commands['output_destination'] !== undefined) {
    put('output_destination', protectDollars(commands['output_destination']));
    return;
  }
  const written = (commands['transfer_output_remaps'] ?? '').trim().replaceAll(/^"|"$/gu, '');
  const remapped = new Set(written.split(';').map((pair) => pair.split('=')[0]?.trim()));
  const remaps = files
    .map((file) => basename(file))
    .filter((name) => !remapped.has(name))
    .map((name) => `${escapeRemap(name)}=${escapeRemap(join(destination, name))}`);
  const all = [...(written === '' ? [] : [written]), ...remaps];
  if (all.length > 0) put('transfer_output_remaps', protectDollars(`"${all.join(';')}"`));
}

function escapeRemap(text: string): string {
  return text.replaceAll(/[=;\\]/gu, String.raw`\$&`);
}

/** `file:///a/b`, `file://./a`, `a` → an absolute path. */
function toPath(text: string, base: string): string {
  return resolve(base, text.trim().replace(/^file:(?:\/\/)?/u, ''));
}

/** Most jobs of a submission write the same: the last answer is kept. */
function memoized(make: (written: string) => string): (written: string) => string {
  let last: { readonly written: string; readonly made: string } | undefined;
  return (written) => {
    if (last?.written !== written) last = { written, made: make(written) };
    return last.made;
  };
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
