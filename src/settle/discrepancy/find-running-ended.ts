import { withDatabaseRetries } from '#db/retry.ts';
import { findEnded, findSubmissionsWithEnded } from '#db/status/find-ended-attempts.ts';

import { endedLooked } from '../held/find-stuck-jobs.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Discrepancies, Discrepancy } from '#model/report/discrepancies.ts';

/** What was found of a kind, and what is unknown of it. */
export interface Found {
  readonly found: readonly Discrepancy[];
  readonly unknown: Discrepancies['unknown'];
  /** Rules of which something is unknown; `all` where it may be any. */
  readonly uncertainRules: ReadonlySet<string> | 'all';
}

/**
 * Finds jobs that run although the end of their attempt was reported a while ago. What follows the report of the end
 * (copying logs, say) takes no longer. A later start of the job is not looked at: the fence ends it.
 *
 * @param graceMs how long ago the end was reported
 * @throws DatabaseError
 */
export async function findRunningEnded(
  { status, backend, rule }: { readonly status: Database; readonly backend: BatchBackend; readonly rule?: string },
  graceMs: number,
): Promise<Found> {
  const uuids = await withDatabaseRetries(() => findSubmissionsWithEnded(status, backend.name, endedLooked));
  if (uuids.length === 0) return { found: [], unknown: [], uncertainRules: new Set() };
  const queue = await backend.queryQueue(uuids, 'running');
  if (queue.kind === 'unknown') {
    return { found: [], unknown: [{ why: queue.reason, count: uuids.length }], uncertainRules: 'all' };
  }
  const jobs = new Map(queue.value.map((job) => [job.cupsid, job]));
  // Read after the queue was asked: what ended meanwhile has only just been heard of.
  const ended = await withDatabaseRetries(() => findEnded(status, [...jobs.keys()]));
  const before = Date.now() - graceMs;
  const found = ended.flatMap((attempt): Discrepancy[] => {
    const job = jobs.get(attempt.id);
    const isSame = job?.uuid === attempt.submission && job.starts - 1 <= attempt.start;
    const isOld = attempt.lastMessageMs !== null && attempt.lastMessageMs < before;
    if (!isSame || !isOld || (rule !== undefined && attempt.rule !== rule)) return [];
    const node = job.node === undefined ? '' : ` on ${job.node}`;
    return [
      {
        kind: 'still-running',
        ...{ cupsid: attempt.id, dstfile: attempt.dstfile, rule: attempt.rule ?? attempt.dsttype },
        detail: `${attempt.state}, and job ${job.cluster}.${job.process} still runs${node}`,
      },
    ];
  });
  const unknown = (queue.unread ?? []).map(({ reason: why }) => ({ why, count: 1 }));
  return { found, unknown, uncertainRules: unknown.length === 0 ? new Set() : 'all' };
}
