import { withDatabaseRetries } from '#db/retry.ts';
import { findSubmissionsWithEnded } from '#db/status/find-ended-attempts.ts';
import { findHeldAfterEnd } from '#dispatch/stuck/find-held-after-end.ts';

import { endedLooked } from '../held/find-stuck-jobs.ts';
import { removeHeldAfterEnd } from '../held/remove-held-after-end.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/**
 * Removes jobs from the batch system that are held although their attempt is final: the job has said its end, and then
 * (say) its output was missing. Released they would end at the fence; nothing else would ever take them out of the queue.
 *
 * @param keepHeldMs how long an operator may want to look at them
 * @param sayUnknown called with why nothing is known
 * @returns how many jobs
 * @throws DatabaseError
 */
export async function removeEnded(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log },
  keepHeldMs: number,
  sayUnknown: (why: string) => void,
): Promise<number> {
  const { status, backend } = input;
  const uuids = await withDatabaseRetries(() => findSubmissionsWithEnded(status, backend.name, endedLooked));
  const held = await findHeldAfterEnd(input, uuids);
  if (held.kind === 'unknown') {
    sayUnknown(held.reason);
    return 0;
  }
  for (const reason of held.unread) sayUnknown(reason);
  const before = Date.now() - keepHeldMs;
  const old = held.jobs.filter(({ since }) => since !== undefined && Date.parse(since) <= before);
  const { removed, silences } = await removeHeldAfterEnd(input, old, 'held, and its attempt has ended');
  for (const reason of silences) sayUnknown(reason);
  return removed;
}
