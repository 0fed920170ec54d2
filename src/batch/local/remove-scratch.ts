import { copyFile, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { createDirectory } from '#util/file/create-directory.ts';

import { isMissing, isThere } from './job-files.ts';
import { placesOf } from './job-places.ts';

import type { BatchJob } from '../backend.ts';
import type { RunFiles } from './job-files.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

/** Removes what is not needed after a job: its scratch directory and empty outputs. */
export async function removeScratch(run: RunFiles): Promise<void> {
  await rm(run.scratch, { recursive: true, force: true });
  for (const path of [run.output, run.error]) {
    if ((await sizeOf(path)) === 0) await rm(path, { force: true });
  }
}

/** Leaves of a job that went well only what stands nowhere else. */
export async function removeRun(submission: StoredSubmission, job: BatchJob, run: RunFiles): Promise<void> {
  const places = placesOf(job, submission);
  await rm(run.pid, { force: true });
  await rm(run.result, { force: true });
  if (places.output !== undefined) await rm(run.output, { force: true });
  if (places.error !== undefined) await rm(run.error, { force: true });
  if ((await readdir(run.directory)).length === 0) await rmdir(run.directory);
}

/**
 * Brings reports home that a job left in its scratch directory: a killed job brings none home itself. May be done twice.
 *
 * @param spoolDirectory where spools come home
 */
export async function copySpools(run: RunFiles, spoolDirectory: string): Promise<void> {
  if (!(await isThere(run.scratch))) return;
  for (const name of await readdir(run.scratch)) {
    if (!/^spool-.*\.jsonl$/u.test(name)) continue;
    const [source, target] = [join(run.scratch, name), join(spoolDirectory, name)];
    const size = await sizeOf(source);
    // The wrapper brought it home if it could; a killed one leaves a shorter copy, or none.
    if (size === undefined || size <= ((await sizeOf(target)) ?? -1)) continue;
    await createDirectory(spoolDirectory, 0o700);
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
