import { open, readFile } from 'node:fs/promises';

import * as z from 'zod';

import { isMissing, submissionFilesOf } from '../job-files.ts';
import { applyJournalEvent, journalEventSchema } from '../journal.ts';

import type { BatchJob } from '../../backend.ts';
import type { SubmissionFiles } from '../job-files.ts';
import type { JournalEvent, LocalJobs } from '../journal.ts';

const texts = z.record(z.string(), z.string());

/** What is written down of a submission. */
export const storedSubmissionSchema = z.object({
  uuid: z.string(),
  cluster: z.number().int(),
  count: z.number().int(),
  batchName: z.string(),
  directory: z.string(),
  workerDirectory: z.string(),
  submitDirectory: z.string(),
  /** Submissions of earlier versions do not say it. */
  isSupervised: z.boolean().default(false),
  environment: texts,
  submittedAt: z.string(),
});

/** What is written down of a submission. */
export type StoredSubmission = z.infer<typeof storedSubmissionSchema>;

const batchJobSchema = z.object({
  process: z.number().int(),
  cupsid: z.number().int(),
  dstfile: z.string(),
  executable: z.string(),
  arguments: z.string(),
  commands: texts,
});

/** A submission as it was read, and as far as its journal was. */
export interface LocalSubmission {
  readonly files: SubmissionFiles;
  readonly stored: StoredSubmission;
  /** By process. */
  readonly cupsids: readonly number[];
  /** Where each item stands in the items file, in bytes; by process. */
  readonly places: readonly { readonly offset: number; readonly length: number }[];
  readonly jobs: LocalJobs;
  /** Up to where the journal was read, in bytes. */
  journalOffset: number;
  /** The last reading of the journal; each waits for the one before, so that no event counts twice. */
  reading: Promise<unknown>;
}

/**
 * Reads a submission with all that happened to it.
 *
 * @returns undefined if there is none in that directory
 * @throws an error of the operating system, of JSON or of zod: then nothing is known about the submission
 */
export async function readSubmission(directory: string): Promise<LocalSubmission | undefined> {
  const files = submissionFilesOf(directory);
  let text: string;
  try {
    text = await readFile(files.submission, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const stored = storedSubmissionSchema.parse(JSON.parse(text));
  const lines = (await readFile(files.index, 'utf8')).split('\n').slice(0, -1);
  const cupsids: number[] = [];
  const places: { offset: number; length: number }[] = [];
  for (const line of lines) {
    const [cupsid, offset, length] = line.split(' ');
    cupsids.push(Number(cupsid));
    places.push({ offset: Number(offset), length: Number(length) });
  }
  const jobs = { count: stored.count, submittedAt: stored.submittedAt, jobs: new Map(), ended: 0 };
  const submission = { files, stored, cupsids, places, jobs, journalOffset: 0, reading: Promise.resolve() };
  await readJournal(submission);
  return submission;
}

/**
 * Reads what was written to the journal since the last time, and takes it into account.
 *
 * @returns the events, in order
 */
export async function readJournal(submission: LocalSubmission): Promise<readonly JournalEvent[]> {
  const reading = submission.reading.then(() => readOn(submission));
  submission.reading = reading.catch(() => undefined);
  return reading;
}

async function readOn(submission: LocalSubmission): Promise<readonly JournalEvent[]> {
  const chunk = await readFrom(submission.files.journal, submission.journalOffset);
  const end = chunk.lastIndexOf(0x0a) + 1;
  if (end === 0) return [];
  submission.journalOffset += end;
  const events = chunk
    .toString('utf8', 0, end - 1)
    .split('\n')
    .map((line) => journalEventSchema.parse(JSON.parse(line)));
  for (const event of events) applyJournalEvent(submission.jobs, event);
  return events;
}

async function readFrom(path: string, offset: number): Promise<Buffer> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size <= offset) return Buffer.alloc(0);
    const buffer = Buffer.alloc(size - offset);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Reads one job as it was submitted. */
export async function readItem(submission: LocalSubmission, process: number): Promise<BatchJob> {
  const place = submission.places[process];
  if (place === undefined) throw new RangeError(`No process ${process} in submission ${submission.stored.uuid}`);
  const handle = await open(submission.files.items, 'r');
  try {
    const buffer = Buffer.alloc(place.length);
    await handle.read(buffer, 0, place.length, place.offset);
    return batchJobSchema.parse(JSON.parse(buffer.toString('utf8')));
  } finally {
    await handle.close();
  }
}
