import { statSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';

import { isStartedInPlace } from '#model/job/is-started-in-place.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';

import type { ExpandedJob } from '../expand-job.ts';
import type { CompiledJob } from './make-compiled-job.ts';

/** What is sent to each job in any case, or never, though old rules list it. */
const unlisted: ReadonlySet<string> = new Set([
  'cups.py',
  'pull.py',
  'bachi.py',
  'init.sh',
  'cups',
  'pull',
  'bachi',
  'odbc.ini',
]);

/** Commands that name one file on the machine that submits. */
const oneFileCommands = ['x509userproxy', 'input', 'stdin'] as const;

/** Finds what is missing for one job; undefined: nothing. */
export type FileJudge = (job: ExpandedJob) => string | undefined;

/**
 * Makes a {@link FileJudge} for the files that differ between the jobs of a rule: its program, its start directory, and what
 * is sent to jobs. What is the same for all of them is checked once, elsewhere. Each path is looked at once.
 *
 * @returns undefined where no file differs
 */
export function makeFileJudge(job: CompiledJob, overridden: ReadonlySet<string>): FileJudge | undefined {
  const differing = new Set(
    job.commands.filter(({ key, template }) => template.slots.length > 0 && !overridden.has(key)).map(({ key }) => key),
  );
  const { executable, submitDirectory } = job;
  const hasProgram = executable.kind === 'own' && executable.template.slots.length > 0;
  const hasDirectory = differing.has('initialdir');
  const hasInputs = differing.has('transfer_input_files') || hasDirectory;
  const single = oneFileCommands.filter((key) => differing.has(key));
  if (!hasProgram && !hasInputs && single.length === 0) return undefined;
  const kindOf = makeKindFinder();
  return ({ executable: program, commands }) => {
    if (hasProgram && program.kind === 'own' && !isStartedInPlace(commands['transfer_executable'])) {
      const kind = kindOf(program.path);
      if (kind !== 'file')
        return `the program '${program.path}' ${kind === 'nothing' ? 'is missing' : 'is a directory'}`;
    }
    const initial = resolve(submitDirectory, pathOf(commands['initialdir'] ?? '.'));
    if (hasDirectory && kindOf(initial) !== 'directory') return `'initialdir' is '${initial}': expected a directory`;
    const inputs = hasInputs ? inputsOf(commands['transfer_input_files'] ?? '', initial) : [];
    const isStdinSent = !/^(?:false|f|no|0)$/iu.test(commands['transfer_input']?.trim() ?? '');
    const named = [
      ...inputs.map((path) => ['transfer_input_files', path] as const),
      ...single
        .filter((key) => key === 'x509userproxy' || isStdinSent)
        .map((key) => [key, commands[key]?.trim() ?? ''] as const)
        .filter(([, path]) => path !== '')
        .map(([key, path]) => [key, resolve(initial, path)] as const),
    ];
    // What HTCondor fills in, such as `$(ClusterId)`, is not known here.
    const missing = named.find(([, path]) => !path.includes('$(') && kindOf(path) === 'nothing');
    return missing === undefined ? undefined : `'${missing[1]}' is missing, which '${missing[0]}' names`;
  };
}

const pathOf = (text: string): string => withoutFileScheme(text.trim()) || '.';

function inputsOf(list: string, initial: string): readonly string[] {
  if (list.trim() === '""') return [];
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !unlisted.has(basename(item)) && !/^[a-z][a-z0-9+.-]*:\/\//iu.test(item))
    .map((item) => (isAbsolute(item) ? item : resolve(initial, item)));
}

type Kind = 'file' | 'directory' | 'nothing';

function makeKindFinder(): (path: string) => Kind {
  const known = new Map<string, Kind>();
  return (path) => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const facts = statSync(path, { throwIfNoEntry: false });
    const kind = facts === undefined ? 'nothing' : facts.isDirectory() ? 'directory' : 'file';
    if (known.size > 100_000) known.clear();
    known.set(path, kind);
    return kind;
  };
}
