import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ItemsFailure, withItemsFailure } from '../../with-items-failure.ts';

import type { BatchDump, BatchJob, BatchSubmission } from '../../backend.ts';

/**
 * Writes what the local queue would be given, as `submit.json` and `submit.jsonl` of the submission's directory, for
 * reading.
 *
 * @throws what `items` threw; an error of the operating system
 */
export async function writeLocalSubmission(
  submission: Omit<BatchSubmission, 'count'>,
  items: AsyncIterable<BatchJob>,
): Promise<BatchDump> {
  const descriptionFile = join(submission.directory, 'submit.json');
  const itemsFile = join(submission.directory, 'submit.jsonl');
  let count = 0;
  const file = await open(itemsFile, 'w');
  try {
    for await (const item of withItemsFailure(items)) {
      await file.appendFile(`${JSON.stringify(item)}\n`);
      count += 1;
    }
  } catch (error) {
    throw error instanceof ItemsFailure ? error.cause : error;
  } finally {
    await file.close();
  }
  await writeFile(descriptionFile, `${JSON.stringify({ ...submission, count }, undefined, 2)}\n`);
  return { descriptionFile, itemsFile, count, notes: [] };
}
