import { setupNameOf } from '#model/production.ts';

import { sql } from '../../connect.ts';
import { likePrefixOf } from '../../decide/product-sql.ts';

import type { Production } from '#model/production.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** Whether an attempt `p` is live and of a production. */
export function isOfProductionSql(status: Queryable, production: Production): Statement {
  const { dsttype, build, tag, version } = production;
  return sql`p.retired_at is null and p.dstfile like ${likePrefixOf(dsttype)} and p.prod_id in (
    select x.id from ${sql.table(status.role, 'production_setup')} x
    where x.name = ${setupNameOf(production)} and replace(x.build, '.', '') = ${build} and x.dbtag = ${tag}
      and x.revision is not distinct from ${version ?? null}::int)`;
}
