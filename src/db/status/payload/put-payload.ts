import { sql } from '../../connect.ts';

import type { PayloadFile } from '#model/payload.ts';

import type { Session } from '../../connect.ts';

/** A snapshot that a dispatch is about to use. */
export interface UsedPayload {
  readonly hash: string;
  readonly sizeBytes: number;
  /** The site's place of snapshots; absolute. */
  readonly directory: string;
  readonly files: readonly PayloadFile[];
}

/**
 * Records that a snapshot is used now, and what it holds where that is not recorded yet.
 *
 * @throws DatabaseError
 */
export async function putPayload(session: Session, { hash, sizeBytes, directory, files }: UsedPayload): Promise<void> {
  const snapshot = sql.table(session.role, 'payload_snapshot');
  await session.transaction(async (transaction) => {
    const [row] = await transaction.query<{ readonly isNew: boolean }>(sql`
      insert into ${snapshot} as s (hash, size_bytes, file_count, directory)
      values (${hash}, ${sizeBytes}, ${files.length}, ${directory})
      on conflict (hash) do update
        set used_at = excluded.used_at, pruned_at = null, directory = excluded.directory
      returning xmax = 0 as "isNew"`);
    if (row?.isNew !== true) return;
    await transaction.execute(sql`
      insert into ${sql.table(session.role, 'payload_file')} (payload, path, kind, sha256, size_bytes, target)
      select ${hash}, f.path, f.kind, f.sha256, f."sizeBytes", f.target
      from jsonb_to_recordset(${JSON.stringify(files)}::jsonb)
        as f (path text, kind text, sha256 text, "sizeBytes" bigint, target text)`);
  });
}
