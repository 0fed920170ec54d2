import { setupNameOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { Production } from '#model/production.ts';

import type { Queryable } from '../../connect.ts';

/** One submission that contains attempts of the production, and whether any of them is open. */
export interface ProductionSubmission {
  readonly uuid: string;
  readonly rule: string;
  /** It has attempts of the production that are not final. */
  readonly isOpen: boolean;
}

/**
 * Finds the submissions of one production, and of no other, that have attempts which are not final, and those of the last
 * 90 days; oldest first.
 *
 * @throws DatabaseError
 */
export async function findProductionSubmissions(
  status: Queryable,
  backend: string,
  production: Production,
): Promise<readonly ProductionSubmission[]> {
  const { build, tag, version } = production;
  return status.query<ProductionSubmission>(sql`
    select s.uuid::text as uuid, s.rule, bool_or(p.final_state is null) as "isOpen"
    from ${sql.table(status.role, 'submission')} s
    join ${sql.table(status.role, 'production_status')} p on p.submission_id = s.uuid
    join ${sql.table(status.role, 'production_setup')} x on x.id = p.prod_id
    where s.backend = ${backend}
      and x.name = ${setupNameOf(production)} and replace(x.build, '.', '') = ${build} and x.dbtag = ${tag}
      and x.revision is not distinct from ${version ?? null}::int
      and (p.final_state is null
        or (s.state = 'confirmed' and s.reserved_at > (now() at time zone 'utc') - interval '90 days'))
    group by s.uuid
    order by s.reserved_at, s.uuid`);
}
