import { sql } from '../connect.ts';
import { spacesSql } from './list-sql.ts';
import { dstfileSql } from './product-sql.ts';

import type { Statement } from '../connect.ts';
import type { ProductNames } from './product-sql.ts';
import type { QueryColumn, QueryColumns } from './read-query-columns.ts';

// What no name can hold becomes null, and the row is rejected, instead of the whole query.
function integerSql({ alias, kind }: QueryColumn): Statement {
  const column = sql`q.${sql.identifier(alias)}`;
  switch (kind) {
    case 'integer':
      return sql`case when ${column} >= 0 then ${column}::int end`;
    case 'number':
      return sql`case when ${column}::numeric between 0 and 2147483647
        and ${column}::numeric = trunc(${column}::numeric) then ${column}::int end`;
    case 'text':
    case 'other':
      return sql`case when ${column} ~ '^\\s*[+]?[0-9]{1,9}\\s*$' then btrim(${column}, ${spacesSql})::int end`;
  }
}

function textSql(column: QueryColumn | undefined): Statement {
  return column === undefined ? sql`null::text` : sql`q.${sql.identifier(column.alias)}::text`;
}

/**
 * The author's query as candidates: ordinal (the query's own order), run, segment, complaint, streamname, dstfile,
 * source, files, ranges, x1, x2, …; a complaint is the name of the column that makes the row useless.
 *
 * @param dstname an expression, because COPY takes no parameters
 */
export function makeCandidateSelect(
  query: string,
  columns: QueryColumns,
  names: ProductNames,
  dstname: Statement,
): Statement {
  const aliases = sql.join(columns.aliases.map((alias) => sql.identifier(alias)));
  const extras = columns.extra.map((column, index) => sql`, ${textSql(column)} as ${sql.identifier(`x${index + 1}`)}`);
  const row = { run: sql`r.run`, segment: sql`r.segment`, streamname: sql`r.streamname` };
  const streamCheck = sql`when r.streamname is null or r.streamname !~ '^[A-Za-z0-9_]+$' then 'streamname'`;
  // `offset 0` keeps PostgreSQL from computing dstfile at each place where it is used: a fifth less time, measured.
  return sql`select r.ordinal, r.run, r.segment,
      case when r.run is null then 'runnumber' when r.segment is null then 'segment'
        when r.files is null or btrim(r.files, ${spacesSql}) = '' then 'files'
        ${names.isStreamed ? streamCheck : sql``} end as complaint,
      r.streamname, ${dstfileSql(dstname, row, names.isStreamed)} as dstfile, r.source, r.files, r.ranges
      ${sql.join(
        columns.extra.map((_, index) => sql`, r.${sql.identifier(`x${index + 1}`)}`),
        '',
      )}
    from (
      select row_number() over () as ordinal, ${integerSql(columns.run)} as run,
        ${integerSql(columns.segment)} as segment, ${textSql(columns.streamname)} as streamname,
        ${textSql(columns.source)} as source, ${textSql(columns.files)} as files,
        ${textSql(columns.ranges)} as ranges${sql.join(extras, '')}
      from (\n${sql.verbatim(query)}\n) as q (${aliases})
    ) as r offset 0`;
}
