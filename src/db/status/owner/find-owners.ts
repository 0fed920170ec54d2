import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** The product and attempt to which a file name (lfn) belongs; one per name. */
export interface FileOwner {
  readonly lfn: string;
  /** The product. */
  readonly dstfile: string;
  /** The attempt that staged it out last, or is about to. */
  readonly cupsid: number;
  /** That attempt has not ended, or its file waits for the catalog: the name is taken, also if the catalog lacks it. */
  readonly isHeld: boolean;
}

/**
 * Finds the owners of file names; a name that no attempt has claimed is not in the answer.
 *
 * @throws DatabaseError
 */
export function findOwners(status: Queryable, lfns: readonly string[]): Promise<readonly FileOwner[]> {
  return status.query<FileOwner>(sql`
    select o.lfn, o.dstfile, o.cupsid,
           coalesce(s.retired_at is null and s.final_state is null, false) or exists (
             select from ${sql.table(status.role, 'production_event')} e
             where e.cupsid = o.cupsid and e.kind = 'stageout' and e.applied_at is null and e.apply_note is null
               and e.detail #>> '{file,lfn}' = o.lfn
           ) as "isHeld"
    from ${sql.table(status.role, 'file_owner')} o
    left join ${sql.table(status.role, 'production_status')} s on s.id = o.cupsid
    where o.lfn = any (${lfns}::text[])`);
}
