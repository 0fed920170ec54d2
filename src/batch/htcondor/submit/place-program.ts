import { basename, join } from 'node:path';

import { isStartedInPlace } from '#model/job/is-started-in-place.ts';

import { hasOwnProgram, launcherName, programName, programVariable } from '../../launcher-name.ts';

import type { BatchJob, BatchSubmission } from '../../backend.ts';

/** The program that a local job is started with, in its scratch directory or where it was staged from. */
export interface PlacedProgram {
  /** Absolute path of what HTCondor starts. */
  readonly executable: string;
  /** Whether {@link executable} is started in its place on the worker. */
  readonly isInPlace: boolean;
  /** Absolute paths of files that have to travel with the job. */
  readonly inputs: readonly string[];
  /** For the job's environment. */
  readonly variables: Readonly<Record<string, string>>;
}

type ReadCommand = (name: string) => string | undefined;

/** Finds out how the programs of jobs are started, and remembers what has to be there for it. */
export interface ProgramPlacer {
  /** @param suspicious what {@link findUnsupervised} found among the commands of this job */
  place(job: BatchJob, read: ReadCommand, suspicious: readonly string[]): PlacedProgram;
  /** Links that jobs are sent, by their absolute path, each with the program that it leads to. */
  readonly links: ReadonlyMap<string, string>;
}

/**
 * Makes a {@link ProgramPlacer}. A rule's own program runs under our launcher, and is sent under a name that no other file
 * has, by a link in the submission's directory.
 *
 * @param notes gets why jobs run without the launcher though neither rule nor site says so
 */
export function makeProgramPlacer(
  submission: Omit<BatchSubmission, 'count'>,
  notes: { add(note: string): unknown },
): ProgramPlacer {
  const links = new Map<string, string>();
  const names = new Map<string, string>();
  const linkTo = (program: string): string => {
    const known = names.get(program);
    if (known !== undefined) return known;
    // All but one program in a thousand submissions is the only one; its name in the job's directory is fixed.
    const directory = names.size === 0 ? submission.directory : join(submission.directory, String(names.size));
    const link = join(directory, programName);
    names.set(program, link);
    links.set(link, program);
    return link;
  };
  const place = (executable: string, isInPlace: boolean, why: string | undefined): PlacedProgram => {
    const plain = { executable, isInPlace, inputs: [], variables: {} };
    if (!submission.isSupervised || !hasOwnProgram({ executable }, submission)) return plain;
    if (why !== undefined) {
      notes.add(`${why}, so the program of the rule runs without SLURP's launcher`);
      return plain;
    }
    return {
      executable: join(submission.workerDirectory, launcherName),
      isInPlace: false,
      inputs: isInPlace ? [] : [linkTo(executable)],
      variables: { [programVariable]: isInPlace ? executable : basename(executable) },
    };
  };
  let last: { readonly key: string; readonly placed: PlacedProgram } | undefined;
  return {
    links,
    place: ({ executable }, read, suspicious) => {
      const transfer = read('transfer_executable');
      const why = findReasonUnsupervised(read, suspicious);
      const key = `${executable}\0${transfer ?? ''}\0${why ?? ''}`;
      if (last?.key !== key) last = { key, placed: place(executable, isStartedInPlace(transfer), why) };
      return last.placed;
    },
  };
}

/**
 * Commands with which the launcher cannot supervise: they bring the program into a container, where the launcher need not
 * be able to run, or let it end and start again, within one start of the job, until its work is done.
 */
const unsupervised =
  /^(?:container_image|docker_image|\+SingularityImage|\+WantDocker(?:Image)?|\+WantContainer|checkpoint_exit_code|\+(?:Success)?CheckpointExitCode)$/iu;

/** Of the names of a job's commands, those with which it may not run under the launcher. */
export function findUnsupervised(names: readonly string[]): readonly string[] {
  return names.filter((name) => unsupervised.test(name));
}

/**
 * Reports why a job cannot run under the launcher; undefined where it can. Only in the vanilla universe does HTCondor start a
 * job on a worker as a process in a directory of its own.
 */
function findReasonUnsupervised(read: ReadCommand, names: readonly string[]): string | undefined {
  const universe = read('universe')?.trim() ?? '';
  if (universe !== '' && universe !== '5' && universe.toLowerCase() !== 'vanilla')
    return `The universe is '${universe}'`;
  const name = names.find((one) => !/^(?:|""|false|undefined)$/iu.test(read(one)?.trim() ?? ''));
  return name === undefined ? undefined : `The job has '${name}'`;
}
