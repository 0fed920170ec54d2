import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { jobFilesOf } from '#batch/local/job-files.ts';
import { submitLocal } from '#batch/local/submission/submit.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-submit-'));
});
afterAll(() => rm(root, { recursive: true }));

async function notesOf(uuid: string, commands: Readonly<Record<string, string>>): Promise<unknown> {
  const job = { process: 0, cupsid: 1, dstfile: 'DST_A-1-0', executable: '/bin/true', arguments: '', commands };
  const places = { directory: root, workerDirectory: root, submitDirectory: root, spoolDirectory: root };
  const submission = { uuid, batchName: 'test', count: 1, ...places, isSupervised: false, environment: {} };
  async function* items() {
    yield await Promise.resolve(job);
  }
  const outcome = await submitLocal(jobFilesOf(root), submission, items());
  return outcome.kind === 'accepted' ? outcome.notes : outcome;
}

test('says once which commands mean nothing to the local batch system', async () => {
  expect(await notesOf('0b0b2b5e-0000-4000-8000-000000000001', { max_retries: '2', on_exit_hold: 'False' })).toEqual([
    "'max_retries', 'on_exit_hold' are ignored: the local batch system starts each job once",
  ]);
  expect(
    await notesOf('0b0b2b5e-0000-4000-8000-000000000002', { request_memory: '2GB', max_retries: '' }),
  ).toBeUndefined();
});
