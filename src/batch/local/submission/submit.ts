import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';

import { ItemsFailure, withItemsFailure } from '../../with-items-failure.ts';
import { isThere, submissionFilesOf, wakeRunner } from '../job-files.ts';

import type { FileHandle } from 'node:fs/promises';

import type { BatchJob, BatchSubmission, SubmitOutcome } from '../../backend.ts';
import type { JobFiles, SubmissionFiles } from '../job-files.ts';
import type { StoredSubmission } from './read-submission.ts';

const flushBytes = 1 << 20;

/**
 * Writes a submission beside the others and then puts it in its place by one rename: all its jobs are there, or none.
 *
 * @throws what `items` threw
 */
export async function submitLocal(
  files: JobFiles,
  submission: BatchSubmission,
  items: AsyncIterable<BatchJob>,
): Promise<SubmitOutcome> {
  const place = join(files.directory, submission.uuid);
  const draft = submissionFilesOf(join(files.directory, `.new-${submission.uuid}`));
  try {
    await createDirectory(files.clusters, 0o700);
    if (await isThere(place)) return { kind: 'refused', reason: `Submission '${submission.uuid}' already exists` };
    await mkdir(draft.directory, { mode: 0o700 });
    const ignored = await writeItems(draft, submission.count, items);
    const cluster = await claimCluster(files, submission.uuid);
    const { uuid, count, batchName, directory, workerDirectory, submitDirectory, environment } = submission;
    const { isSupervised } = submission;
    const stored: StoredSubmission = {
      ...{ uuid, cluster, count, batchName, directory, workerDirectory, submitDirectory, isSupervised },
      environment: { ...environment },
      submittedAt: new Date().toISOString(),
    };
    await writeDurably(draft.submission, JSON.stringify(stored));
    await rename(draft.directory, place);
    await wakeRunner(files).catch(() => undefined);
    return { kind: 'accepted', cluster, ...(ignored.length === 0 ? {} : { notes: [describeIgnored(ignored)] }) };
  } catch (error) {
    await rm(draft.directory, { recursive: true, force: true }).catch(() => undefined);
    if (error instanceof ItemsFailure) throw error.cause;
    return { kind: 'refused', reason: describeError(error) };
  }
}

/** Commands by which HTCondor starts or holds a job after its end. */
const restartCommands = ['max_retries', 'retry_until', 'on_exit_remove', 'on_exit_hold'] as const;

function describeIgnored(commands: readonly string[]): string {
  const names = commands.map((name) => `'${name}'`).join(', ');
  const verb = commands.length === 1 ? 'is' : 'are';
  return `${names} ${verb} ignored: the local batch system starts each job once`;
}

/** @returns the commands of the jobs that mean nothing here */
async function writeItems(
  draft: SubmissionFiles,
  count: number,
  items: AsyncIterable<BatchJob>,
): Promise<readonly string[]> {
  const [itemsFile, indexFile] = [await open(draft.items, 'wx', 0o600), await open(draft.index, 'wx', 0o600)];
  try {
    let offset = 0;
    let expected = 0;
    const ignored = new Set<string>();
    const lines: Buffer[] = [];
    let bytes = 0;
    let index = '';
    for await (const item of withItemsFailure(items)) {
      if (item.process !== expected) throw new Error(`Item ${expected} of the submission is numbered ${item.process}`);
      for (const name of restartCommands) if ((item.commands[name] ?? '').trim() !== '') ignored.add(name);
      const line = Buffer.from(`${JSON.stringify(item)}\n`);
      lines.push(line);
      index += `${item.cupsid} ${offset} ${line.length}\n`;
      offset += line.length;
      bytes += line.length;
      expected += 1;
      if (bytes >= flushBytes) {
        await itemsFile.appendFile(Buffer.concat(lines.splice(0)));
        await indexFile.appendFile(index);
        index = '';
        bytes = 0;
      }
    }
    if (expected !== count) throw new Error(`${expected} items instead of ${count} in the submission`);
    await itemsFile.appendFile(Buffer.concat(lines));
    await indexFile.appendFile(index);
    await itemsFile.sync();
    await indexFile.sync();
    return [...ignored];
  } finally {
    await closeAll([itemsFile, indexFile]);
  }
}

async function closeAll(handles: readonly FileHandle[]): Promise<void> {
  for (const handle of handles) await handle.close();
}

/** Takes the next cluster number; a file made for it alone keeps two submitters from taking the same. */
async function claimCluster(files: JobFiles, uuid: string): Promise<number> {
  const taken = (await readdir(files.clusters)).map(Number).filter((number) => Number.isSafeInteger(number));
  for (let cluster = taken.reduce((one, other) => Math.max(one, other), 0) + 1; ; cluster += 1) {
    try {
      await writeFile(join(files.clusters, String(cluster)), uuid, { flag: 'wx' });
      return cluster;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
