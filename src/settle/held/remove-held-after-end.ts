import { idsBySubmission } from '#dispatch/submission/ids-by-submission.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { HeldAfterEnd } from '#model/job/stuck-jobs.ts';
import type { Log } from '#model/log.ts';

/**
 * Removes jobs from the batch system that are held although their attempt has ended; the attempts stay as they are.
 *
 * @param reason for the batch system
 * @returns how many jobs, and why it is not known of others
 */
export async function removeHeldAfterEnd(
  { backend, log }: { readonly backend: BatchBackend; readonly log: Log },
  jobs: readonly HeldAfterEnd[],
  reason: string,
): Promise<{ readonly removed: number; readonly silences: readonly string[] }> {
  const silences: string[] = [];
  const reasons = new Map(jobs.map((job) => [job.cupsid, job.reason]));
  const groups = idsBySubmission(jobs.map(({ cupsid, submission }) => ({ id: cupsid, submission })));
  let removed = 0;
  for (const [uuid, cupsids] of groups) {
    const answer = await backend.remove({ uuid, cupsids }, reason);
    if (answer.kind === 'unknown') {
      silences.push(answer.reason);
      continue;
    }
    removed += answer.value;
    for (const cupsid of cupsids) {
      log.warn(
        { cupsid, submission: uuid, holdReason: reasons.get(cupsid) },
        'removed: held after its attempt had ended',
      );
    }
  }
  return { removed, silences };
}
