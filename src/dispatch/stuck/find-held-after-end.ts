import { withDatabaseRetries } from '#db/retry.ts';
import { findEnded } from '#db/status/find-ended-attempts.ts';
import { present } from '#util/present.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { HeldAfterEnd } from '#model/job/stuck-jobs.ts';

/** The jobs that are held after their end, or why nothing is known of them. */
export type HeldAfterEndAnswer =
  | {
      readonly kind: 'answer';
      readonly jobs: readonly HeldAfterEnd[];
      /** What could not be read, a sentence each. */
      readonly unread: readonly string[];
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Finds the jobs of some submissions that are held in the queue although their attempt has ended: a job says its end, and
 * then a file is missing that it was to bring home. Nothing but a removal takes them out of the queue; released they would
 * end at the fence.
 *
 * @returns by submission and process
 * @throws DatabaseError
 */
export async function findHeldAfterEnd(
  { status, backend }: { readonly status: Database; readonly backend: BatchBackend },
  uuids: readonly string[],
): Promise<HeldAfterEndAnswer> {
  if (uuids.length === 0) return { kind: 'answer', jobs: [], unread: [] };
  const queue = await backend.queryQueue(uuids, 'held');
  if (queue.kind === 'unknown') return queue;
  const unread = (queue.unread ?? []).map(({ reason }) => reason);
  if (queue.value.length === 0) return { kind: 'answer', jobs: [], unread };
  const cupsids = queue.value.map(({ cupsid }) => cupsid);
  const ended = new Map((await withDatabaseRetries(() => findEnded(status, cupsids))).map((row) => [row.id, row]));
  const jobs = queue.value.flatMap((job): HeldAfterEnd[] => {
    const row = ended.get(job.cupsid);
    // Not the job of another site with the number of one of ours.
    if (row === undefined || row.submission !== job.uuid) return [];
    const { since, holdReason: reason, holdCode: code, holdSubcode: subcode } = job;
    return [
      {
        ...{
          cupsid: row.id,
          dstfile: row.dstfile,
          run: row.run,
          segment: row.segment,
          rule: row.rule,
          state: row.state,
        },
        ...{ submission: job.uuid, cluster: job.cluster, process: job.process },
        ...present({ since, reason, code, subcode }),
      },
    ];
  });
  const sorted = jobs.toSorted((one, other) => one.cluster - other.cluster || one.process - other.process);
  return { kind: 'answer', jobs: sorted, unread };
}
