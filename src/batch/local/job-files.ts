import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '#util/code-of.ts';

/** Where the local batch system keeps everything below one state directory. */
export interface JobFiles {
  /** `jobs/`: a directory per submission, named by its uuid. */
  readonly directory: string;
  /** A file for each cluster number that was given away, holding the submission's uuid. */
  readonly clusters: string;
  /** Written to whenever the runner should look up. */
  readonly wake: string;
  /** The shell script around each job. */
  readonly launcher: string;
}

/** Absolute paths of the files in which the local batch system keeps one submission. */
export interface SubmissionFiles {
  readonly directory: string;
  /** What was submitted: `StoredSubmission`. */
  readonly submission: string;
  /** A `BatchJob` a line, in process order; gone when all jobs have ended. */
  readonly items: string;
  /** `CUPSID OFFSET LENGTH` a line, in process order: where each item stands in `items`, in bytes. */
  readonly index: string;
  /** All that happened to the jobs and was asked of them, a `JournalEvent` a line; its order is the truth. */
  readonly journal: string;
  /** Exists when every job has ended. */
  readonly ended: string;
  /** A directory for each start of a job: `PROCESS.START`. */
  readonly runs: string;
}

/** The files of one start of one job. */
export interface RunFiles {
  readonly directory: string;
  /** The job's working directory. */
  readonly scratch: string;
  /** The launcher's line of `/proc/PID/stat`: only the process with this line can start the job. */
  readonly pid: string;
  /** How it ended. */
  readonly result: string;
  readonly output: string;
  readonly error: string;
}

/** Names the files of the local batch system. */
export function jobFilesOf(stateDirectory: string): JobFiles {
  const directory = join(stateDirectory, 'jobs');
  return {
    directory,
    clusters: join(directory, 'clusters'),
    wake: join(directory, 'wake'),
    launcher: join(directory, 'launch.sh'),
  };
}

/** Names the files of a submission that stands (or will stand) in a directory. */
export function submissionFilesOf(directory: string): SubmissionFiles {
  return {
    directory,
    submission: join(directory, 'submission.json'),
    items: join(directory, 'items.jsonl'),
    index: join(directory, 'index'),
    journal: join(directory, 'journal.jsonl'),
    ended: join(directory, 'ended'),
    runs: join(directory, 'run'),
  };
}

/** Names the files of one start of one job. */
export function runFilesOf(submission: SubmissionFiles, process: number, start: number): RunFiles {
  const directory = join(submission.runs, `${process}.${start}`);
  return {
    directory,
    scratch: join(directory, 'scratch'),
    pid: join(directory, 'pid'),
    result: join(directory, 'result'),
    output: join(directory, 'out'),
    error: join(directory, 'err'),
  };
}

/** Makes the runner look up, if one runs. */
export async function wakeRunner(files: JobFiles): Promise<void> {
  await writeFile(files.wake, '');
}

/** Returns whether an operating system error says that a file does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** Reads a file; undefined if it does not exist. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Returns whether something of that name exists. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Appends lines in one write, which no other writer's line can split. */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  await appendFile(path, lines.map((line) => `${line}\n`).join(''));
}
