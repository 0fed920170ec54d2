import { sql } from '#db/connect.ts';

import { itemsSql } from '../list-sql.ts';

import type { Statement } from '#db/connect.ts';

import type { QueryColumns } from '../read-query-columns.ts';

/** Columns by which queries name the ends of the runs that they merge. */
const endColumns = ['firstrun', 'lastrun'];

/**
 * Makes the condition that names of files refer to a run: one of them holds it in eight digits, as all our names and those
 * of the DAQ do, or in a range of two such numbers. Directories are not looked at: they hold the ends of a run group.
 *
 * @param list names or paths, separated by spaces or commas
 */
export function namesHoldRunSql(run: number, list: Statement): Statement {
  const digits = String(run).padStart(8, '0');
  const names = sql`regexp_replace(${list}, '[^[:space:],]*/', '', 'g')`;
  return sql`(case when ${names} ~ ${`(^|[^0-9])${digits}([^0-9]|$)`} then true
    else exists (
      select from unnest(${itemsSql(sql`translate(${names}, ',', ' ')`)}) as n(name),
        regexp_match(n.name, '-([0-9]{8,9})-([0-9]{8,9})-[0-9]{4,}') as ends
      where ${run}::int between ends[1]::int and ends[2]::int
    ) end)`;
}

/**
 * Makes the condition that a row `c` of a query is made from a run, by the columns that name the ends of its runs, or by
 * its files; its own run number is not looked at.
 */
export function holdsRunSql(run: number, columns: QueryColumns): Statement {
  const ends = columns.extra.flatMap(({ name }, index) =>
    endColumns.includes(name) ? [sql`c.${sql.identifier(`x${index + 1}`)}`] : [],
  );
  const numbers = ends.map((end) => sql`case when ${end} ~ '^[0-9]{1,9}$' then ${end}::int end`);
  const within =
    ends.length === 0
      ? sql`false`
      : sql`coalesce(${run}::int between least(c.run, ${sql.join(numbers)}) and greatest(c.run, ${sql.join(numbers)}), false)`;
  return sql`(${within} or coalesce(${namesHoldRunSql(run, sql`c.files`)}, false))`;
}
