import { sql } from '../connect.ts';

import type { Database, Session } from '../connect.ts';

/**
 * Changes what is known about events of attempts, and brings their rows up to date with that, in one transaction that
 * locks the rows before anything else, as recording of events does.
 *
 * @throws DatabaseError, and what `change` throws; then nothing has changed
 * @see sql/status/0004-fold.sql
 */
export async function foldAttemptsAgain(
  status: Database,
  cupsids: readonly number[],
  change: (session: Session) => Promise<void>,
): Promise<void> {
  await status.transaction(async (session) => {
    await session.query(sql`
      select id from ${sql.table(session.role, 'production_status')} where id = any (${cupsids}::int[])
      order by id for no key update`);
    await change(session);
    await session.query(sql`select ${sql.table(session.role, 'refold_attempts')}(${cupsids}::int[])`);
  });
}
