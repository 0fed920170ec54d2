import { present } from '#util/present.ts';

import type { BatchBackend, BatchJobReport, UnreadReport } from '#batch/backend.ts';
import type { KnownQueue } from '#db/status/query/find-condor-rows.ts';
import type { QueueJob } from '#db/status/query/query-sql.ts';
import type { CondorWord } from '#model/report/query-report.ts';

const words: Readonly<Record<BatchJobReport['state'], CondorWord>> = {
  idle: 'Idle',
  running: 'Running',
  held: 'Held',
  completed: 'Completed',
  removed: 'Removing',
  suspended: 'Suspended',
};

/** No process number is greater: PostgreSQL's greatest integer. */
const everyProcess = 2_147_483_647;

/**
 * Asks the batch system for all jobs of some submissions that are in its queue.
 *
 * @returns what is known, and why the rest is not
 */
export async function readQueue(
  backend: BatchBackend,
  uuids: readonly string[],
): Promise<KnownQueue & { readonly silence?: string }> {
  if (uuids.length === 0) return { jobs: [], submissions: [] };
  const made = await backend.findSubmissions(uuids, 'queue');
  if (made.kind === 'unknown') return { jobs: [], submissions: [], silence: made.reason };
  const queue = await backend.queryQueue(uuids);
  if (queue.kind === 'unknown') return { jobs: [], submissions: [], silence: queue.reason };
  const unread = [...(made.unread ?? []), ...(queue.unread ?? [])];
  const next = new Map(made.value.map(({ uuid, nextProcess }) => [uuid, nextProcess]));
  return {
    jobs: makeQueueJobs(queue.value),
    submissions: uuids
      .filter((uuid) => isAnswered(uuid, unread))
      .map((uuid) => ({ uuid, nextProcess: next.get(uuid) ?? everyProcess })),
    ...present({ silence: unread[0]?.reason }),
  };
}

/** What could not be read may be about any job that is seen nowhere: then nothing is known of it. */
function isAnswered(uuid: string, unread: readonly UnreadReport[]): boolean {
  return unread.every((part) => part.uuid !== undefined && part.uuid !== uuid);
}

/** Makes the jobs as the database takes them; of several reports about one job, the one with the most starts. */
export function makeQueueJobs(reports: readonly BatchJobReport[]): readonly QueueJob[] {
  const latest = new Map<string, BatchJobReport>();
  for (const report of reports) {
    const key = `${report.uuid} ${report.cupsid}`;
    if (report.starts >= (latest.get(key)?.starts ?? 0)) latest.set(key, report);
  }
  return [...latest.values()].map(({ cupsid, uuid, state, since, holdCode, holdSubcode, holdReason }) => ({
    ...{ cupsid, uuid, word: words[state] },
    ...present({ since, code: holdCode, subcode: holdSubcode, reason: holdReason }),
  }));
}
