import { findSubmissionsWithEnded } from '#db/status/find-ended-attempts.ts';
import { findSubmissionsWithOpen } from '#db/status/find-open-attempts.ts';
import { findHeldAfterEnd } from '#dispatch/stuck/find-held-after-end.ts';
import { findStopsNow } from '#dispatch/stuck/find-stops-now.ts';
import { present } from '#util/present.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { StuckJobs } from '#model/job/stuck-jobs.ts';

/** Jobs that have waited longer than this are for the operator of the batch system to see to. */
export const endedLooked = { days: 90, limit: 2000 } as const;

/**
 * Finds what stands in the batch system and gets no further by itself. Changes nothing; if the batch system does not answer,
 * that is said.
 *
 * @throws DatabaseError
 */
export async function findStuckJobs(input: {
  readonly status: Database;
  readonly backend: BatchBackend;
}): Promise<StuckJobs> {
  const { status, backend } = input;
  const now = await findStopsNow(input, await findSubmissionsWithOpen(status, backend.name));
  if (now.silence !== undefined) return { ...now, heldAfterEnd: [] };
  const held = await findHeldAfterEnd(input, await findSubmissionsWithEnded(status, backend.name, endedLooked));
  if (held.kind === 'unknown') return { ...now, heldAfterEnd: [], silence: held.reason };
  const [silence] = held.unread;
  return { ...now, heldAfterEnd: held.jobs, ...present({ silence }) };
}
