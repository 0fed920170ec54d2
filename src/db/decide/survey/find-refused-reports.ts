import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';

import type { Session } from '#db/connect.ts';
import type { Finding } from '#model/report/funnel.ts';

/**
 * Finds blocked products whose attempt has a report that was refused, or remarked on, and that is not resolved.
 *
 * @throws DatabaseError
 */
export async function findRefusedReports(session: Session): Promise<Pick<Finding, 'count' | 'looked' | 'example'>> {
  const [found] = await session.query<{ count: number; looked: number; run: number | null; segment: number | null }>(
    sql`with hit as materialized (
        select j.ordinal, j.run, j.segment from pg_temp.judged j
        join ${sql.table(session.role, 'production_status')} p on p.id = j.cupsid
        where j.verdict = 'blocked' and p.refusal is not null and p.retired_at is null
      ), first as (select run, segment from hit order by ordinal limit 1)
      select (select count(*)::int from hit) as count,
        (select count(*)::int from pg_temp.judged where verdict = 'blocked') as looked,
        (select run from first) as run, (select segment from first) as segment`,
  );
  const { count, looked, run, segment } = assertPresent(found, 'a count');
  return { count, looked, ...(run === null || segment === null ? {} : { example: { run, segment } }) };
}
