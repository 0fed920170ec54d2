import { chmod, constants, copyFile, cp, readdir, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';

import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { ensureWritable } from '#util/file/ensure-writable.ts';
import { present } from '#util/present.ts';
import { startDetached } from '#util/process/start-detached.ts';

import { ownCommands } from '../own-commands.ts';
import { parseEnvironment } from '../parse-environment.ts';
import { parseList } from '../parse-list.ts';
import { findProgram } from './find-program.ts';
import { isThere } from './job-files.ts';
import { placesOf, substituteNumbers } from './job-places.ts';

import type { BatchJob } from '../backend.ts';
import type { JobFiles, RunFiles } from './job-files.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

/** Whether a job is on its way, or why it goes on hold, with the codes that HTCondor has for it. */
export type StartOutcome =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'held'; readonly reason: string; readonly code: number; readonly subcode: number };

/** Hold codes of HTCondor. */
const failedToStart = 6;
const transferInputFailed = 13;

/** Prepares the scratch directory of a job and starts it, in a session of its own. Never throws. */
export async function startJob(
  files: JobFiles,
  submission: StoredSubmission,
  job: BatchJob,
  start: number,
  run: RunFiles,
): Promise<StartOutcome> {
  try {
    await stageInputs(submission, job, run);
  } catch (error) {
    return heldBy(`Input files of '${job.dstfile}' cannot be staged`, transferInputFailed, error);
  }
  try {
    const program = await findProgram(submission, job, run);
    const words = substituteNumbers(job.arguments, submission.cluster, job.process)
      .split(/\s+/u)
      .filter((word) => word !== '');
    const pid = await startDetached('/bin/sh', [files.launcher, run.directory, files.wake, program.path, ...words], {
      cwd: run.scratch,
      env: { ...environmentOf(submission, job, start, run), ...program.variables },
      // Colleagues read each other's logs.
      logMode: 0o666,
      logFile: run.output,
      errorFile: run.error,
    });
    return { kind: 'started', pid };
  } catch (error) {
    return heldBy(`Program '${job.executable}' cannot be started`, failedToStart, error);
  }
}

function heldBy(what: string, code: number, error: unknown): StartOutcome {
  const reason = `${what}: ${describeError(error, what)}`;
  const subcode = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : 0;
  return { kind: 'held', reason, code, subcode };
}

async function stageInputs(submission: StoredSubmission, job: BatchJob, run: RunFiles): Promise<void> {
  await createDirectory(run.scratch, 0o700);
  const { initial } = placesOf(job, submission);
  for (const item of parseList(job.commands['transfer_input_files'])) {
    const source = resolve(initial, item);
    const name = basename(source);
    // No database secret ever travels.
    if (name === 'odbc.ini' || ownCommands.has(name)) continue;
    const target = item.endsWith('/') ? run.scratch : join(run.scratch, name);
    await cp(source, target, { recursive: true, dereference: true, mode: constants.COPYFILE_FICLONE });
    const names = item.endsWith('/') ? await readdir(source) : [name];
    // Snapshots are read-only; these copies are the job's own.
    for (const one of names) await ensureWritable(join(run.scratch, one));
  }
  // Ours last: a directory of the rule may have an old 'cups.py'.
  for (const name of ['slurp-token', 'slurp-job.json']) {
    const source = join(submission.directory, name);
    if (await isThere(source)) await putFile(source, join(run.scratch, name));
  }
  for (const entry of await readdir(submission.workerDirectory, { withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    // No links: old scripts copy a 'cups.py' of their own here, which would go through a link into the installation.
    const target = join(run.scratch, entry.name);
    await putFile(join(submission.workerDirectory, entry.name), target);
    await chmod(target, 0o555);
  }
}

async function putFile(source: string, target: string): Promise<void> {
  await rm(target, { force: true, recursive: true });
  await copyFile(source, target, constants.COPYFILE_FICLONE);
}

function environmentOf(
  submission: StoredSubmission,
  job: BatchJob,
  start: number,
  run: RunFiles,
): Readonly<Record<string, string>> {
  const { username, homedir } = readAccountFacts();
  const { output, error } = placesOf(job, submission);
  const path = [run.scratch, '/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return {
    // As on a farm, nothing of the environment of the submitter or of `slurp serve` reaches a job.
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    LANG: 'C.UTF-8',
    TMPDIR: run.scratch,
    ...submission.environment,
    ...parseEnvironment(substituteNumbers(job.commands['environment'] ?? '', submission.cluster, job.process)),
    PATH: [...path, dirname(process.execPath)].join(delimiter),
    SLURP_NODE: process.execPath,
    BATCH_SYSTEM: 'slurp-local',
    SLURP_JOB_DIRECTORY: run.scratch,
    _CONDOR_SCRATCH_DIR: run.scratch,
    SLURP_START: String(start),
    cupsid: String(job.cupsid),
    ...present({ SLURP_STDOUT: output, SLURP_STDERR: error }),
  };
}

function readAccountFacts(): { readonly username: string; readonly homedir: string } {
  try {
    return userInfo();
  } catch {
    // An account without an entry in passwd, as in many containers.
    return { username: 'nobody', homedir: '/' };
  }
}
