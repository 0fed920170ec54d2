import { appendFile } from 'node:fs/promises';

import { placesOf } from './job-places.ts';

import type { BatchJob } from '../backend.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

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
