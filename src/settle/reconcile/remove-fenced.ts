import { withDatabaseRetries } from '#db/retry.ts';
import { findEnded, findRestartableWithEnded } from '#db/status/find-ended-attempts.ts';
import { idsBySubmission } from '#dispatch/submission/ids-by-submission.ts';
import { present } from '#util/present.ts';

import type { BatchBackend, BatchJobReport } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { EndedAttempt } from '#db/status/find-ended-attempts.ts';
import type { Log } from '#model/log.ts';

/** Jobs that waited longer than this are for the operator of the batch system to see to. */
const looked = { days: 90, limit: 2000 } as const;

/**
 * Removes jobs that the batch system starts again and again although their attempt is final: the fence stops each start
 * with a code that is not a success, so it would go on for ever (`on_exit_remove = (ExitCode == 0)`).
 *
 * @param sayUnknown called with why nothing is known
 * @returns how many jobs
 * @throws DatabaseError
 */
export async function removeFenced(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log; readonly rule?: string },
  sayUnknown: (why: string) => void,
): Promise<number> {
  const { status, backend, log, rule } = input;
  const which = { ...looked, ...present({ rule }) };
  const uuids = await withDatabaseRetries(() => findRestartableWithEnded(status, backend.name, which));
  if (uuids.length === 0) return 0;
  const queue = await backend.queryQueue(uuids);
  if (queue.kind === 'unknown') {
    sayUnknown(queue.reason);
    return 0;
  }
  const jobs = new Map(queue.value.map((job) => [job.cupsid, job]));
  // Asked after the queue: a start that ends an attempt meanwhile is later than what the queue said.
  const ended = await withDatabaseRetries(() => findEnded(status, [...jobs.keys()]));
  const fenced = ended.filter((attempt) => isFenced(attempt, jobs.get(attempt.id)));
  let removed = 0;
  for (const [uuid, cupsids] of idsBySubmission(fenced)) {
    const answer = await backend.remove({ uuid, cupsids }, 'started again, and its attempt has ended');
    if (answer.kind === 'unknown') {
      sayUnknown(answer.reason);
      continue;
    }
    removed += answer.value;
    log.warn({ cupsids: cupsids, submission: uuid }, 'removed: started again after their attempts had ended');
  }
  return removed;
}

/** Whether a job waits for a start that the fence will stop, or is in one; held jobs are looked at by people. */
export function isFenced(
  attempt: Pick<EndedAttempt, 'submission' | 'start'>,
  job: BatchJobReport | undefined,
): boolean {
  if (job === undefined || job.uuid !== attempt.submission) return false;
  const latest = job.starts - 1;
  if (job.state === 'idle') return latest >= attempt.start;
  return (job.state === 'running' || job.state === 'suspended') && latest > attempt.start;
}
