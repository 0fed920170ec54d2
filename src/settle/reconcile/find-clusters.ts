import { withDatabaseRetries } from '#db/retry.ts';
import { findWithoutCluster, putCluster } from '#db/status/submission/put-cluster.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';

/** The batch system forgets older ones; each is a question of its own. */
const looked = { days: 7, limit: 20 } as const;

/**
 * Finds out under which number the batch system has submissions that were confirmed without it, because a job of theirs had
 * spoken before the batch system could be asked.
 *
 * @throws DatabaseError
 */
export async function findClusters(input: {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
}): Promise<void> {
  const { status, backend, log } = input;
  const uuids = await withDatabaseRetries(() => findWithoutCluster(status, backend.name, looked));
  if (uuids.length === 0) return;
  const found = await backend.findSubmissions(uuids);
  if (found.kind === 'unknown') return log.warn({ reason: found.reason }, 'numbers of submissions are not known');
  for (const { uuid, cluster } of found.value) {
    const isNew = await withDatabaseRetries(() => status.transaction((session) => putCluster(session, uuid, cluster)));
    if (isNew) log.info({ submission: uuid, cluster }, 'the number of a submission was found');
  }
}
