import { sql } from '../../connect.ts';

import type { StoppedSubmission } from '#model/job/stuck-jobs.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Finds the submissions of which the batch system made no further jobs when it was asked last, and which still have attempts
 * that wait for one; oldest first.
 *
 * @throws DatabaseError
 */
export async function findStops(status: Queryable): Promise<readonly StoppedSubmission[]> {
  const rows = await status.query<Omit<StoppedSubmission, 'since'> & { readonly since: Date }>(sql`
    select s.uuid::text as submission, s.rule, s.cluster, s.stop_kind as kind, s.stop_reason as reason,
           s.stopped_at as since, s.stop_next as next, u.unmade
    from ${sql.table(status.role, 'submission')} s
    cross join lateral (
      select count(*)::int as unmade from ${sql.table(status.role, 'production_status')} p
      where p.submission_id = s.uuid and p.final_state is null and p.start < 0 and p.process >= s.stop_next
    ) u
    where s.stop_kind is not null and u.unmade > 0
    order by s.stopped_at, s.uuid`);
  return rows.map(({ since, ...stop }) => ({ ...stop, since: since.toISOString() }));
}
