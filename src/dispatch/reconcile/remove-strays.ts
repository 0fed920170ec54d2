import { findLostSubmissions } from '#db/status/submission/find-lost-submissions.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/** A submission appears within minutes of its submitter's death, or never. */
const looked = { hours: 6, limit: 50 } as const;

/**
 * Removes submissions from the batch system that were taken back because it surely did not have them, should it have
 * them after all. Their jobs would be fenced at their start; here they do not even wait for it.
 *
 * @param sayUnknown told why nothing is known
 * @returns how many jobs
 * @throws DatabaseError
 */
export async function removeStrays(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log },
  sayUnknown: (why: string) => void,
): Promise<number> {
  const { status, backend, log } = input;
  const lost = await findLostSubmissions(status, backend.name, looked);
  if (lost.length === 0) return 0;
  const found = await backend.findSubmissions(lost);
  if (found.kind === 'unknown') {
    sayUnknown(found.reason);
    return 0;
  }
  let removed = 0;
  for (const { uuid, cluster } of found.value) {
    const answer = await backend.remove({ uuid }, 'its submission was taken back');
    if (answer.kind === 'unknown') {
      sayUnknown(answer.reason);
      continue;
    }
    removed += answer.value;
    if (answer.value > 0) log.warn({ submission: uuid, cluster, jobs: answer.value }, 'a lost submission was there');
  }
  return removed;
}
