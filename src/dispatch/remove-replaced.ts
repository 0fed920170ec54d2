import { findReplaced } from '#db/status/submission/find-replaced.ts';

import { idsBySubmission } from './submission/ids-by-submission.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/**
 * Takes the jobs out of the queue whose attempts a submission, confirmed by now, has replaced. What cannot be removed is
 * stopped by the fence where it starts, and removed by the next reconcile; so a failure is logged, and never thrown.
 */
export async function removeReplaced(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log },
  uuid: string,
): Promise<void> {
  const { status, backend, log } = input;
  try {
    const replaced = await findReplaced(status, uuid, backend.name);
    for (const [submission, cupsids] of idsBySubmission(replaced)) {
      const answer = await backend.remove({ uuid: submission, cupsids }, 'its attempt was replaced');
      if (answer.kind === 'answer') log.info({ submission, jobs: answer.value }, 'removed jobs of replaced attempts');
      else
        log.warn({ submission, jobs: cupsids.length, reason: answer.reason }, 'jobs of replaced attempts may remain');
    }
  } catch (error) {
    log.warn({ submission: uuid, error }, 'jobs of replaced attempts may remain');
  }
}
