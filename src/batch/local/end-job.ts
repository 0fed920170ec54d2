import { appendFile, copyFile, cp, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { exists, isMissing } from './job-files.ts';
import { parseList, placesOf } from './submit-commands.ts';

import type { BatchJob } from '../backend.ts';
import type { RunFiles } from './job-files.ts';
import type { StoredSubmission } from './read-submission.ts';

/** A file that a job should have made or that could not be brought to its place, with the codes that HTCondor has for it. */
export interface OutputFailure {
  readonly reason: string;
  readonly code: number;
  readonly subcode: number;
}

const transferOutputFailed = 12;

/**
 * Brings what a job made to where its submit commands say: files, standard output, standard error. May be done twice.
 *
 * @returns undefined if all is in its place; never throws
 */
export async function bringHome(
  submission: StoredSubmission,
  job: BatchJob,
  run: RunFiles,
): Promise<OutputFailure | undefined> {
  const places = placesOf(job, submission);
  try {
    if (places.output !== undefined) await copyInto(run.output, places.output);
    if (places.error !== undefined) await copyInto(run.error, places.error);
    for (const item of parseList(job.commands['transfer_output_files'])) {
      await cp(join(run.scratch, item), join(places.destination, basename(item)), { recursive: true, force: true });
    }
    return undefined;
  } catch (error) {
    const subcode = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : 0;
    const message = error instanceof Error ? error.message : String(error);
    return {
      reason: `Output files of '${job.dstfile}' can't be brought home: ${message}`,
      code: transferOutputFailed,
      subcode,
    };
  }
}

async function copyInto(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}

/** Takes away what nobody needs after a job: its scratch folder, and empty outputs. */
export async function clearRun(run: RunFiles): Promise<void> {
  await rm(run.scratch, { recursive: true, force: true });
  for (const path of [run.output, run.error]) {
    if ((await sizeOf(path)) === 0) await rm(path, { force: true });
  }
}

/** Leaves of a job that went well only what stands nowhere else. */
export async function forgetRun(submission: StoredSubmission, job: BatchJob, run: RunFiles): Promise<void> {
  const places = placesOf(job, submission);
  await rm(run.pid, { force: true });
  await rm(run.result, { force: true });
  if (places.output !== undefined) await rm(run.output, { force: true });
  if (places.error !== undefined) await rm(run.error, { force: true });
  if ((await readdir(run.directory)).length === 0) await rmdir(run.directory);
}

/**
 * Brings reports home that a job left in its scratch folder: a killed job brings none home itself. May be done twice.
 *
 * @param spoolDirectory where spools come home
 */
export async function rescueSpools(run: RunFiles, spoolDirectory: string): Promise<void> {
  if (!(await exists(run.scratch))) return;
  for (const name of await readdir(run.scratch)) {
    if (!/^spool-.*\.jsonl$/u.test(name)) continue;
    const [source, target] = [join(run.scratch, name), join(spoolDirectory, name)];
    const size = await sizeOf(source);
    // The wrapper brought it home if it could; a killed one leaves a shorter copy, or none.
    if (size === undefined || size <= ((await sizeOf(target)) ?? -1)) continue;
    await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
    const draft = join(spoolDirectory, `.${name}.new`);
    await copyFile(source, draft);
    await rename(draft, target);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Appends a line to the event log that the job's submit command `log` names, if it names one:
 * `CODE (CLUSTER.PROCESS.START) TIME TEXT`, with HTCondor's numbers of events. Never throws: a log is a courtesy.
 */
export async function logEvent(
  submission: StoredSubmission,
  job: BatchJob,
  start: number,
  code: number,
  text: string,
): Promise<void> {
  const { log } = placesOf(job, submission);
  if (log === undefined) return;
  const pad = (number: number): string => String(number).padStart(3, '0');
  const time = new Date().toISOString();
  const line = `${pad(code)} (${submission.cluster}.${pad(job.process)}.${pad(start)}) ${time} ${text}\n...\n`;
  await appendFile(log, line).catch(() => undefined);
}
