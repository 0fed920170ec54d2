import { access, chmod, constants, copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { isStartedInPlace } from '#model/job/is-started-in-place.ts';

import { hasOwnProgram, launcherName, programName, programVariable } from '../launcher-name.ts';
import { isThere } from './job-files.ts';

import type { BatchJob } from '../backend.ts';
import type { RunFiles } from './job-files.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

/** What is started for a job. */
export interface PlacedProgram {
  /** Absolute path. */
  readonly path: string;
  /** For the job's environment. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Finds out what is started for a job whose files are staged. Our wrapper is started as it was staged, which no one
 * replaces while it runs. A rule's own program is started in its place, under the launcher if the submission says so; one
 * that is not executable is copied into the job's directory first, as HTCondor does, unless `transfer_executable` is false.
 *
 * @throws an error of the operating system if the program is missing, or cannot be executed
 */
export async function findProgram(submission: StoredSubmission, job: BatchJob, run: RunFiles): Promise<PlacedProgram> {
  if (!hasOwnProgram(job, submission)) return checkStartable(join(run.scratch, basename(job.executable)));
  const isInPlace = isStartedInPlace(job.commands['transfer_executable']) || (await isExecutable(job.executable));
  if (!submission.isSupervised)
    return checkStartable(isInPlace ? job.executable : await copyProgram(job.executable, run));
  if (isInPlace) await access(job.executable, constants.X_OK);
  else await copyFile(job.executable, join(run.scratch, programName));
  return checkStartable(join(run.scratch, launcherName), {
    [programVariable]: isInPlace ? job.executable : basename(job.executable),
  });
}

async function checkStartable(path: string, variables: PlacedProgram['variables'] = {}): Promise<PlacedProgram> {
  await access(path, constants.X_OK);
  return { path, variables };
}

/** Under its own name, unless another file of the job has that. */
async function copyProgram(program: string, { scratch }: RunFiles): Promise<string> {
  const named = join(scratch, basename(program));
  const target = (await isThere(named)) ? join(scratch, programName) : named;
  await copyFile(program, target);
  await chmod(target, 0o755);
  return target;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
