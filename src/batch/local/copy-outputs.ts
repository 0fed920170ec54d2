import { copyFile, cp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';

import { parseList } from '../parse-list.ts';
import { placesOf } from './job-places.ts';

import type { BatchJob } from '../backend.ts';
import type { RunFiles } from './job-files.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

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
export async function copyOutputs(
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
    return {
      reason: `Output files of '${job.dstfile}' cannot be brought home: ${describeError(error)}`,
      code: transferOutputFailed,
      subcode,
    };
  }
}

async function copyInto(source: string, target: string): Promise<void> {
  await createDirectory(dirname(target));
  await copyFile(source, target);
}
