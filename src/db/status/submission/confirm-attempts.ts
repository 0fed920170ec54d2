import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Marks attempts of confirmed submissions as submitted that are not.
 *
 * @returns how many
 * @throws DatabaseError
 */
export async function confirmAttempts(status: Queryable, ids: readonly number[]): Promise<number> {
  const table = sql.table(status.role, 'production_status');
  return status.execute(sql`
    update ${table} p
    set status = 'submitted', submitted = coalesce(p.submitted, now() at time zone 'utc')
    from (
      select a.id from ${table} a join ${sql.table(status.role, 'submission')} s on s.uuid = a.submission_id
      where a.id = any (${ids}::int[]) and a.status = 'submitting' and s.state = 'confirmed'
      order by a.id for no key update of a
    ) locked
    where p.id = locked.id and p.status = 'submitting'`);
}
