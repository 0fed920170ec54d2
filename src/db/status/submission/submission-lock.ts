import { sql } from '../../connect.ts';

import type { Session } from '../../connect.ts';

/** Says to everybody that this session is at work on a submission; ends with the session at the latest. */
export async function lockSubmission(session: Session, uuid: string): Promise<void> {
  await session.query(sql`select pg_advisory_lock(hashtextextended('slurp submission ' || ${uuid}::text, 0))`);
}

/** Takes the lock of a submission if it is free. */
export async function claimSubmissionLock(session: Session, uuid: string): Promise<boolean> {
  const rows = await session.query<{ readonly locked: boolean }>(
    sql`select pg_try_advisory_lock(hashtextextended('slurp submission ' || ${uuid}::text, 0)) as locked`,
  );
  return rows[0]?.locked === true;
}

/** Gives the lock of a submission back. */
export async function unlockSubmission(session: Session, uuid: string): Promise<void> {
  await session.query(sql`select pg_advisory_unlock(hashtextextended('slurp submission ' || ${uuid}::text, 0))`);
}
