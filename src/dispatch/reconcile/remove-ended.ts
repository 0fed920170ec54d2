import { retryDatabase } from '#db/retry.ts';
import { findEnded, findSubmissionsWithEnded } from '#db/status/find-ended-attempts.ts';

import { groupBySubmission } from '../submission/group-by-submission.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/** Jobs that waited longer than this are for the operator of the batch system to see to. */
const looked = { days: 90, limit: 2000 } as const;

/**
 * Removes jobs from the batch system that are held although their attempt is final: the job has said its end, and then
 * (say) its output was missing. Released they would end at the fence; nothing else would ever take them out of the queue.
 *
 * @param keepHeldMs somebody may want to look at them for so long
 * @param sayUnknown told why nothing is known
 * @returns how many jobs
 * @throws DatabaseError
 */
export async function removeEnded(
  input: { readonly status: Database; readonly backend: BatchBackend; readonly log: Log },
  keepHeldMs: number,
  sayUnknown: (why: string) => void,
): Promise<number> {
  const { status, backend, log } = input;
  const uuids = await retryDatabase(() => findSubmissionsWithEnded(status, backend.name, looked));
  if (uuids.length === 0) return 0;
  const queue = await backend.queryQueue(uuids, 'held');
  if (queue.kind === 'unknown') {
    sayUnknown(queue.reason);
    return 0;
  }
  const before = Date.now() - keepHeldMs;
  const held = new Map(
    queue.value
      .filter(({ since }) => since !== undefined && Date.parse(since) <= before)
      .map((job) => [nameOf(job.uuid, job.cupsid), job]),
  );
  if (held.size === 0) return 0;
  const cupsids = [...held.values()].map(({ cupsid }) => cupsid);
  const ended = await retryDatabase(() => findEnded(status, cupsids));
  // Not somebody else's job that bears the number of one of ours.
  const ours = ended.filter(({ id, submission }) => held.has(nameOf(submission, id)));
  let removed = 0;
  for (const [uuid, ids] of groupBySubmission(ours)) {
    const answer = await backend.remove({ uuid, cupsids: ids }, 'held, and its attempt has ended');
    if (answer.kind === 'unknown') {
      sayUnknown(answer.reason);
      continue;
    }
    removed += answer.value;
    for (const id of ids) {
      const holdReason = held.get(nameOf(uuid, id))?.holdReason;
      log.warn({ attempt: id, submission: uuid, holdReason }, 'removed: held after its attempt had ended');
    }
  }
  return removed;
}

function nameOf(submission: string, cupsid: number): string {
  return `${submission} ${cupsid}`;
}
