import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { jobFilesOf, submissionFilesOf } from '#batch/local/job-files.ts';
import { removeOldHistory } from '#batch/local/remove-old-history.ts';

it('takes away what ended before a day, and what an earlier pruner left; nothing else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slurp-prune-'));
  const files = jobFilesOf(root);
  const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
  const day = 24 * 3600;
  const put = async (name: string, endedDay?: number): Promise<void> => {
    const { runs, ended } = submissionFilesOf(join(files.directory, name));
    await mkdir(join(runs, '0.0', 'scratch'), { recursive: true });
    if (endedDay === undefined) return;
    await writeFile(ended, '');
    await utimes(ended, endedDay * day, endedDay * day);
  };
  await put(uuid('1'), 10);
  await put(uuid('2'), 20);
  await put(uuid('3'));
  await put(`.old-${uuid('4')}`);
  await put('.new-draft');
  expect(await removeOldHistory(files, 15 * day * 1000)).toEqual([uuid('1')]);
  expect((await readdir(files.directory)).toSorted()).toEqual(['.new-draft', uuid('2'), uuid('3')]);
  await rm(root, { recursive: true });
});
