import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { JobEventDetail } from '#model/job/job-event.ts';

/**
 * In the job's directory, once the wrapper was signalled to end the job; holds the name of the signal (`TERM`). From then on
 * what a script says of its end is not an end: the batch system may well start the job again elsewhere.
 */
const stoppingFileName = 'slurp-stopping';

/** The signal that ends the job, if one does. Never throws. */
export function readStopping(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, stoppingFileName), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Makes a remark of the end that a script reports because it was stopped: traps say `finished -e 255`, but an evicted job
 * is started again, and what is final stays final. An end without error is one.
 */
export function withEndAsRemark(detail: JobEventDetail, stopping: string | undefined): JobEventDetail {
  if (stopping === undefined || (detail.kind !== 'finished' && detail.kind !== 'exitcode')) return detail;
  if ((detail.exitCode ?? 0) <= 0) return detail;
  return { kind: 'message', text: `Stopped by ${stopping}; the script ended with exit code ${detail.exitCode ?? 0}` };
}
