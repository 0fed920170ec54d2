import { withDatabaseRetries } from '#db/retry.ts';
import { findWithdrawnSubmissions } from '#db/status/submission/find-withdrawn-submissions.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/** How far back submissions are looked at; reconcile more often than this. */
const looked = { days: 90, limit: 2000 } as const;

/**
 * Removes submissions from the batch system that were taken back because it surely did not have them, or had refused them,
 * should it have them after all: their token is gone, so their jobs would be held at their start, and stay.
 *
 * @param sayUnknown called with why nothing is known
 * @returns how many jobs
 * @throws DatabaseError
 */
export async function removeStrays(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log },
  sayUnknown: (why: string) => void,
): Promise<number> {
  const { status, backend, log } = input;
  const withdrawn = await withDatabaseRetries(() => findWithdrawnSubmissions(status, backend.name, looked));
  if (withdrawn.length === 0) return 0;
  const found = await backend.findSubmissions(withdrawn, 'queue');
  if (found.kind === 'unknown') {
    sayUnknown(found.reason);
    return 0;
  }
  for (const { reason } of found.unread ?? []) sayUnknown(reason);
  let removed = 0;
  for (const { uuid, cluster } of found.value) {
    const answer = await backend.remove({ uuid }, 'its submission was taken back');
    if (answer.kind === 'unknown') {
      sayUnknown(answer.reason);
      continue;
    }
    removed += answer.value;
    if (answer.value > 0)
      log.warn({ submission: uuid, cluster, jobs: answer.value }, 'a submission that was taken back was there');
  }
  return removed;
}
