import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isUuid } from '#util/is-uuid.ts';

import { isMissing, submissionFilesOf } from './job-files.ts';

import type { JobFiles } from './job-files.ts';

/** What is being removed has a name that is not one of a submission; a killed pruner's rest goes the next time. */
const prefix = '.old-';

/**
 * Takes away submissions whose jobs have all ended long ago, with what their failed jobs left. What is left undone by a
 * kill is done the next time.
 *
 * @param before milliseconds since 1970: what ended earlier goes
 * @returns the uuids that are gone
 */
export async function removeOldHistory(files: JobFiles, before: number): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const name of await readdir(files.directory)) {
    const path = join(files.directory, name);
    if (name.startsWith(prefix)) {
      await rm(path, { recursive: true, force: true });
    } else if (isUuid(name) && (await readEndTime(path)) < before) {
      const doomed = join(files.directory, `${prefix}${name}`);
      await rename(path, doomed);
      await rm(doomed, { recursive: true, force: true });
      gone.push(name);
    }
  }
  return gone;
}

/** When the last job of a submission ended; infinite for one that has not. */
async function readEndTime(directory: string): Promise<number> {
  try {
    return (await stat(submissionFilesOf(directory).ended)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return Infinity;
    throw error;
  }
}
