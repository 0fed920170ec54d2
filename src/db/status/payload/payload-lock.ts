import { sql } from '../../connect.ts';

import type { Session } from '../../connect.ts';

/**
 * Reports that this session is about to submit jobs that need a snapshot, as others may at the same time: it is not pruned
 * meanwhile. Ends with the session at the latest.
 */
export async function lockPayload(session: Session, hash: string): Promise<void> {
  await session.query(sql`select pg_advisory_lock_shared(hashtextextended('slurp payload ' || ${hash}::text, 0))`);
}

/** Releases the lock of {@link lockPayload}; from then on the snapshot may be pruned. @throws DatabaseError */
export async function unlockPayload(session: Session, hash: string): Promise<void> {
  await session.query(sql`select pg_advisory_unlock_shared(hashtextextended('slurp payload ' || ${hash}::text, 0))`);
}

/**
 * Runs a function on a snapshot while no dispatch is about to submit jobs that need it.
 *
 * @returns undefined if another session holds it
 */
export async function withPayloadAlone<T>(
  session: Session,
  hash: string,
  act: () => Promise<T>,
): Promise<T | undefined> {
  const rows = await session.query<{ readonly locked: boolean }>(
    sql`select pg_try_advisory_lock(hashtextextended('slurp payload ' || ${hash}::text, 0)) as locked`,
  );
  if (rows[0]?.locked !== true) return undefined;
  try {
    return await act();
  } finally {
    await session.query(sql`select pg_advisory_unlock(hashtextextended('slurp payload ' || ${hash}::text, 0))`);
  }
}

/** Runs a function that only one process at a time may run in a directory of snapshots; waits for others. */
export async function withPayloadMaking<T>(session: Session, directory: string, act: () => Promise<T>): Promise<T> {
  const key = `slurp payload in ${directory}`;
  await session.query(sql`select pg_advisory_lock(hashtextextended(${key}, 0))`);
  try {
    return await act();
  } finally {
    await session.query(sql`select pg_advisory_unlock(hashtextextended(${key}, 0))`);
  }
}
