import { sql } from '#db/connect.ts';

import { formatTime, shortenList } from '../explain/describe-attempt.ts';
import { likePrefixOf, nameSql } from '../product-sql.ts';

import type { Session, Statement } from '#db/connect.ts';
import type { InvalidRunEntry } from '#model/report/verdict-fact.ts';

import type { ProductNames, RowSql } from '../product-sql.ts';
import type { Explaining, FateRow, VerdictPart } from './verdict-part.ts';

/**
 * Brings the entries of `invalid_run_list` that may concern this rule, and have not expired, into `invalid_entry`:
 * names of all (`all`, `ALL`) become null, an open end the largest number.
 *
 * @returns how many there are; where none, nothing needs to be asked of a candidate
 */
function putInvalidEntries(session: Session, names: ProductNames): Promise<number> {
  const known = [names.dsttype, names.dstname, ...(names.twin === undefined ? [] : [names.twin])];
  const isConcerned = names.isStreamed
    ? sql`dstname like ${likePrefixOf(names.dsttype)}`
    : sql`dstname = any(${known})`;
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
function entryMatchesSql(names: ProductNames, row: RowSql): Statement {
  const known = [names.dsttype, names.dstname, ...(names.twin === undefined ? [] : [names.twin])].map((name) =>
    nameSql(sql`${name}::text`, row, names.isStreamed),
  );
  return sql`(e.dstname is null or e.dstname in (${sql.join(known)}))
    and ${row.run} between e.first_run and e.last_run and ${row.segment} between e.first_segment and e.last_segment`;
}

/** Whether a row lies in an invalid run: first by the runs of all entries at once, then by each of them. */
function isInvalidSql(names: ProductNames, row: RowSql): Statement {
  return sql`case when ${row.run}::bigint <@
      (select range_agg(int8range(first_run, last_run, '[]')) from pg_temp.invalid_entry)
    then exists (select from pg_temp.invalid_entry e where ${entryMatchesSql(names, row)}) else false end`;
}

function findEntries({ session, decision }: Explaining, row: FateRow): Promise<readonly InvalidRunEntry[]> {
  const value = {
    run: sql`${row.run}::int`,
    segment: sql`${row.segment}::int`,
    streamname: sql`${row.streamname}::text`,
  };
  return session.query<InvalidRunEntry>(
    sql`select i.id, i.dstname, i.first_run as "firstRun", i.last_run as "lastRun", i.first_segment as "firstSegment",
        i.last_segment as "lastSegment", i.reason, i.expires_at as "expiresAt"
      from pg_temp.invalid_entry e join ${sql.table(session.role, 'invalid_run_list')} i using (id)
      where ${entryMatchesSql(decision.names, value)} order by i.id`,
  );
}

function describeEntry(entry: InvalidRunEntry): string {
  const runs = entry.lastRun === -1 ? `from ${entry.firstRun} on` : `${entry.firstRun} to ${entry.lastRun}`;
  const reason = entry.reason === null ? '' : `: ${entry.reason}`;
  return (
    `invalid_run_list ${entry.id}: ${entry.dstname}, runs ${runs}, ` +
    `segments ${entry.firstSegment} to ${entry.lastSegment}${reason} (expires ${formatTime(entry.expiresAt)})`
  );
}

/** The run is in `invalid_run_list`, for this product or for all. */
export const invalidRun: VerdictPart<'invalid-run'> = {
  meaning: 'in an invalid run',
  early: async ({ session, names }, row) =>
    (await putInvalidEntries(session, names)) > 0 ? isInvalidSql(names, row) : undefined,
  findFact: async (explaining, row) => ({ entries: await findEntries(explaining, row) }),
  describe: ({ entries }) => shortenList(entries.map(describeEntry)),
};
