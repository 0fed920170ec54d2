import { sql } from '../../connect.ts';
import { moveCursor } from './move-cursor.ts';

import type { Production } from '#model/production.ts';

import type { Session } from '../../connect.ts';

/**
 * Moves the cursor of a production up to the highest run of a submission, as part of the transaction that reserves it;
 * where it stood before is kept with the submission, in case that is taken back.
 *
 * @throws DatabaseError
 */
export async function moveCursorUp(session: Session, production: Production, uuid: string): Promise<void> {
  const [found] = await session.query<{ readonly run: number | null }>(sql`
    select max(run) as run from ${sql.table(session.role, 'production_status')} where submission_id = ${uuid}`);
  const run = found?.run ?? null;
  if (run === null) return;
  const { id, before, after } = await moveCursor(session, { production, run, kind: 'forward' });
  if (after === before) return;
  await session.execute(sql`
    update ${sql.table(session.role, 'submission')} set cursor_id = ${id}, cursor_before = ${before}
    where uuid = ${uuid}`);
}
