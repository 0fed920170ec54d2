import { sql } from '../../connect.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** A snapshot of a payload with its use; sizes in bytes, times in UTC, `hash` as SHA-256 in hex. */
export interface PayloadRow {
  readonly hash: string;
  readonly sizeBytes: number;
  readonly fileCount: number;
  /** Holds `HASH/files`, unless pruned. */
  readonly directory: string;
  readonly madeAt: Date;
  readonly usedAt: Date;
  readonly prunedAt: Date | null;
  /** Submissions whose jobs stage from it. */
  readonly submissions: number;
  /** Of these, those with jobs that may still run. */
  readonly openSubmissions: number;
}

/**
 * Finds recorded snapshots, the one used last first.
 *
 * @param which those whose hash begins so, or is among these; all where absent
 * @throws DatabaseError
 */
export function findPayloads(
  status: Queryable,
  which: { readonly prefix?: string; readonly hashes?: readonly string[] } = {},
): Promise<readonly PayloadRow[]> {
  const { prefix = '', hashes } = which;
  return status.query<PayloadRow>(sql`
    select s.hash, s.size_bytes as "sizeBytes", s.file_count as "fileCount", s.directory,
           s.made_at as "madeAt", s.used_at as "usedAt", s.pruned_at as "prunedAt",
           count(u.uuid)::int as submissions,
           (count(u.uuid) filter (where ${isOpen(status)}))::int as "openSubmissions"
    from ${sql.table(status.role, 'payload_snapshot')} s
    left join ${sql.table(status.role, 'submission')} u on u.payload = s.hash
    where starts_with(s.hash, ${prefix}) and (${hashes === undefined} or s.hash = any (${hashes ?? []}::text[]))
    group by s.hash order by s.used_at desc, s.hash`);
}

/** Of the submission `u`: its jobs may still run, as `findOpenSubmissions` says it. */
function isOpen(status: Queryable): Statement {
  return sql`(u.state = 'reserved' or exists (
    select 1 from ${sql.table(status.role, 'production_status')} p
    where p.submission_id = u.uuid and p.retired_at is null and p.final_state is null))`;
}

/** Records that a snapshot was removed. @throws DatabaseError */
export async function markPruned(status: Queryable, hash: string): Promise<void> {
  await status.execute(sql`
    update ${sql.table(status.role, 'payload_snapshot')} set pruned_at = now() at time zone 'utc' where hash = ${hash}`);
}
