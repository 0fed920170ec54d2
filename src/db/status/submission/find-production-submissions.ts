import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** What a production is known by, exactly. */
export interface ProductionKey {
  /** Dsttype, a stream as `_X_`. */
  readonly setupName: string;
  /** Dotted, as in `production_setup`. */
  readonly build: string;
  readonly tag: string;
  readonly version?: number;
}

/**
 * Finds the submissions of one production, and of no other, that have attempts which are not final; oldest first.
 *
 * @returns their uuids
 * @throws DatabaseError
 */
export async function findProductionSubmissions(
  status: Queryable,
  backend: string,
  production: ProductionKey,
): Promise<readonly string[]> {
  const { setupName, build, tag, version } = production;
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select s.uuid::text as uuid
    from ${sql.table(status.role, 'submission')} s
    where s.backend = ${backend} and exists (
      select from ${sql.table(status.role, 'production_status')} p
      join ${sql.table(status.role, 'production_setup')} x on x.id = p.prod_id
      where p.submission_id = s.uuid and p.final_state is null
        and x.name = ${setupName} and x.build = ${build} and x.dbtag = ${tag}
        and x.revision is not distinct from ${version ?? null}::int
    )
    order by s.reserved_at, s.uuid`);
  return rows.map(({ uuid }) => uuid);
}
