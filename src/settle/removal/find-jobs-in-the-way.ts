import { BatchError } from '#model/errors.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { LiveAttempt } from '#db/status/product/find-live-attempts.ts';

/**
 * Finds the jobs that may still write a product: those that the batch system has in its queue, and those whose end is not
 * recorded.
 *
 * @returns a sentence for each
 * @throws BatchError (`batch-no-answer`) if the batch system does not say
 */
export async function findJobsInTheWay(
  backend: BatchBackend,
  attempts: readonly LiveAttempt[],
): Promise<readonly string[]> {
  const uuids = [...new Set(attempts.flatMap(({ submission }) => submission ?? []))];
  const queue = uuids.length === 0 ? undefined : await backend.queryQueue(uuids);
  if (queue?.kind === 'unknown') throw makeNoAnswer(queue.reason);
  const [unread] = queue?.unread ?? [];
  if (unread !== undefined) throw makeNoAnswer(unread.reason);
  const jobs = new Map((queue?.value ?? []).map((job) => [`${job.uuid} ${job.cupsid}`, job]));
  return attempts.flatMap(({ cupsid, dstfile, state, isFinal, submission, cluster, process }) => {
    const job = jobs.get(`${submission} ${cupsid}`);
    if (job !== undefined && job.state !== 'completed' && job.state !== 'removed') {
      return [
        `Job ${job.cluster}.${job.process} of '${dstfile}' (cupsid ${cupsid}) is ${job.state} in the batch system: ` +
          'remove the job there, or wait until it has ended',
      ];
    }
    if (isFinal) return [];
    return [
      `Job ${cluster}.${process} of '${dstfile}' (cupsid ${cupsid}) is ${state}, and no end of it is recorded: ` +
        "'slurp reconcile' records it",
    ];
  });
}

function makeNoAnswer(reason: string): BatchError {
  return new BatchError(`The batch system does not report whether jobs of this run are still there: ${reason}`, {
    code: 'batch-no-answer',
    advice: 'Nothing was removed; call the command again when it answers',
  });
}
