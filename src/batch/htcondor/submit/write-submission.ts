import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ItemsFailure } from '../../with-items-failure.ts';
import { makeJobFinisher } from './finish-job.ts';
import { makeProgramLinks } from './make-program-links.ts';
import { renderDescription } from './render.ts';
import { factoryOf, ownFilesOf } from './submit.ts';
import { writeItems } from './write-items.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchDump, BatchJob, BatchSubmission } from '../../backend.ts';

/**
 * Writes what a submission would hand to `condor_submit`, as `submit.job` and `submit.in` of its directory, for reading:
 * no token is there, and nothing is asked of HTCondor.
 *
 * @throws what `items` threw; Error if a job cannot be written, or of the operating system
 */
export async function writeSubmission(
  site: HtcondorSite,
  submission: Omit<BatchSubmission, 'count'>,
  items: AsyncIterable<BatchJob>,
): Promise<BatchDump> {
  const itemsFile = join(submission.directory, 'submit.in');
  const descriptionFile = join(submission.directory, 'submit.job');
  const ownFiles = await ownFilesOf({ ...submission, count: 0 });
  const finisher = makeJobFinisher({ submission: { ...submission, count: 0 }, site, ownFiles });
  const written = await writeItems(itemsFile, items, (job) => finisher.finish(job)).catch((error: unknown) => {
    throw error instanceof ItemsFailure ? error.cause : error;
  });
  await makeProgramLinks(finisher.links);
  await writeFile(
    descriptionFile,
    renderDescription({ uuid: submission.uuid, ...written, itemsFile, factory: factoryOf(site, written.commands) }),
  );
  return { descriptionFile, itemsFile, count: written.count, notes: [...finisher.notes] };
}
