import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A new owner for a file name, valid only while `before` still owns it. */
export interface NameClaim {
  readonly lfn: string;
  readonly dstfile: string;
  readonly cupsid: number;
  /** The attempt that owned the name when that was decided; undefined: none. */
  readonly before: number | undefined;
}

/**
 * Puts new owners of file names, each only if the owner still is the one that was seen.
 *
 * @param claims one a name
 * @returns how many were put; where it is fewer, another claim came first: look again
 * @throws DatabaseError
 */
export async function putOwners(status: Queryable, claims: readonly NameClaim[]): Promise<number> {
  const rows = await status.query<{ lfn: string }>(sql`
    with claim as (
      select * from unnest(
        ${claims.map((claim) => claim.lfn)}::text[], ${claims.map((claim) => claim.dstfile)}::text[],
        ${claims.map((claim) => claim.cupsid)}::int[], ${claims.map((claim) => claim.before ?? null)}::int[]
      ) as c (lfn, dstfile, cupsid, before)
    )
    insert into ${sql.table(status.role, 'file_owner')} as o (lfn, dstfile, cupsid)
    select lfn, dstfile, cupsid from claim order by lfn
    on conflict (lfn) do update
      set dstfile = excluded.dstfile, cupsid = excluded.cupsid, claimed_at = excluded.claimed_at
      where o.cupsid = (select c.before from claim c where c.lfn = o.lfn)
    returning o.lfn`);
  return rows.length;
}
