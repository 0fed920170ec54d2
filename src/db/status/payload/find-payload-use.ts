import { sql } from '../../connect.ts';

import type { PayloadFile, PayloadOrigin } from '#model/payload.ts';

import type { Queryable } from '../../connect.ts';

/** A submission whose jobs stage from a snapshot. */
export interface PayloadUse {
  readonly uuid: string;
  readonly rule: string;
  readonly cluster: number | null;
  readonly count: number;
  readonly submittedBy: string;
  readonly reservedAt: Date;
  readonly origin: PayloadOrigin | null;
  /** What `--doit` overrode, a line each. */
  readonly overridden: string | null;
}

/** Finds what uses a snapshot, the latest first. @throws DatabaseError */
export function findPayloadUse(status: Queryable, hash: string): Promise<readonly PayloadUse[]> {
  return status.query<PayloadUse>(sql`
    select uuid::text, rule, cluster, count, submitted_by as "submittedBy", reserved_at as "reservedAt",
           payload_origin as origin, overridden
    from ${sql.table(status.role, 'submission')} where payload = ${hash} order by reserved_at desc, uuid`);
}

/** Finds what a snapshot holds, in order of paths; also of one that was pruned. @throws DatabaseError */
export function findPayloadFiles(status: Queryable, hash: string): Promise<readonly PayloadFile[]> {
  return status.query<PayloadFile>(sql`
    select path, kind, sha256, size_bytes as "sizeBytes", target
    from ${sql.table(status.role, 'payload_file')} where payload = ${hash} order by path collate "C"`);
}

/**
 * Finds the snapshots that jobs ran from, by a name of theirs: a product (with or without the ending of its file), the
 * cupsid of an attempt, or the uuid of a submission.
 *
 * @returns hashes, that of the latest attempt first
 * @throws DatabaseError
 */
export async function findPayloadsOf(status: Queryable, name: string): Promise<readonly string[]> {
  const rows = await status.query<{ readonly hash: string }>(sql`
    select u.payload as hash
    from ${sql.table(status.role, 'production_status')} p
    join ${sql.table(status.role, 'submission')} u on u.uuid = p.submission_id
    where u.payload is not null
      and (p.dstfile = regexp_replace(${name}, '[.][A-Za-z0-9]+$', '') or p.id::text = ${name})
    group by u.payload order by max(p.id) desc`);
  if (rows.length > 0) return rows.map(({ hash }) => hash);
  const submissions = await status.query<{ readonly hash: string }>(sql`
    select payload as hash from ${sql.table(status.role, 'submission')}
    where payload is not null and uuid::text = ${name.toLowerCase()}`);
  return submissions.map(({ hash }) => hash);
}
