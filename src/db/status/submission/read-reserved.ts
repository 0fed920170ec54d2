import { sql } from '../../connect.ts';

import type { CandidateRow } from '#model/candidate.ts';

import type { Session } from '../../connect.ts';

/** One attempt of a submission with the row of the decision that it comes from. */
export interface ReservedRow extends Omit<CandidateRow, 'ordinal' | 'streamname' | 'replaces'> {
  readonly id: number;
  readonly process: number;
  readonly streamname: string | null;
  /** What the retry policy has raised for the product; null: as the rule says. */
  readonly memoryMb: number | null;
  readonly diskMb: number | null;
  readonly avoidedNodes: readonly string[];
}

/**
 * Reads the attempts that {@link reserveJobs} wrote in this session, in the order of their process numbers, batch by
 * batch.
 *
 * @throws DatabaseError
 */
export function readReserved(session: Session, uuid: string): AsyncIterable<readonly ReservedRow[]> {
  return session.cursor<ReservedRow>(
    sql`
      select p.id, p.process, r.run, r.segment, r.streamname, r.dsttype, r.dstname, r.dstfile, r.source, r.inputs,
             r.ranges, r.extra, q.memory_mb as "memoryMb", q.disk_mb as "diskMb",
             coalesce(q.avoided_nodes, '{}') as "avoidedNodes"
      from ${sql.table(session.role, 'production_status')} p join pg_temp.ready r on r.dstfile = p.dstfile
      left join ${sql.table(session.role, 'product_request')} q on q.dstfile = p.dstfile
      where p.submission_id = ${uuid}
      order by p.process`,
    2000,
  );
}
