import { sql } from '#db/connect.ts';

import { likePrefix, nameSql } from '../product-sql.ts';

import type { Session, Statement } from '#db/connect.ts';

import type { ProductNames, RowSql } from '../product-sql.ts';

/**
 * Brings the entries of `invalid_run_list` that may concern this rule, and have not expired, into `invalid_entry`:
 * names of all (`all`, `ALL`) become null, an open end the largest number.
 *
 * @returns how many there are; where none, nothing needs to be asked of a candidate
 */
export function putInvalidEntries(session: Session, names: ProductNames): Promise<number> {
  const known = [names.dsttype, names.dstname, ...(names.twin === undefined ? [] : [names.twin])];
  const isConcerned = names.isStreamed ? sql`dstname like ${likePrefix(names.dsttype)}` : sql`dstname = any(${known})`;
  return session.execute(
    sql`insert into pg_temp.invalid_entry
      select id, case when dstname not in ('all', 'ALL') then dstname end, first_run, l.last_run, first_segment,
        last_segment
      from ${sql.table(session.role, 'invalid_run_list')} i
      cross join lateral (select case when i.last_run = -1 then 2147483647 else i.last_run end as last_run) l
      where expires_at > now() at time zone 'utc' and first_run <= l.last_run
        and (dstname in ('all', 'ALL') or ${isConcerned})`,
  );
}

/** Returns whether an entry of `invalid_entry`, called `e`, means this row: a dsttype, a dstname, or all. */
export function entryMatches(names: ProductNames, row: RowSql): Statement {
  const known = [names.dsttype, names.dstname, ...(names.twin === undefined ? [] : [names.twin])].map((name) =>
    nameSql(sql`${name}::text`, row, names.isStreamed),
  );
  return sql`(e.dstname is null or e.dstname in (${sql.join(known)}))
    and ${row.run} between e.first_run and e.last_run and ${row.segment} between e.first_segment and e.last_segment`;
}

/** Whether a row lies in an invalid run: first by the runs of all entries at once, then by each of them. */
export function isInvalidSql(names: ProductNames, row: RowSql): Statement {
  return sql`case when ${row.run}::bigint <@
      (select range_agg(int8range(first_run, last_run, '[]')) from pg_temp.invalid_entry)
    then exists (select from pg_temp.invalid_entry e where ${entryMatches(names, row)}) else false end`;
}
