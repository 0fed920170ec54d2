import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';

import { shortenList } from '../explain/describe-attempt.ts';
import { extraNamesOf } from '../read-query-columns.ts';

import type { CompetingRow } from '#model/report/verdict-fact.ts';

import type { Explaining } from './verdict-part.ts';

/** Finds the rows that the query returned for one product, as far as they are undecided; at most 20. */
export function findRows({ session, decision }: Explaining, dstfile: string | null): Promise<readonly CompetingRow[]> {
  const extras = extraNamesOf(decision.columns).map(
    (name, index) =>
      sql`, ${assertPresent(decision.columns.extra[index], 'a column of the query').name}::text, ${name}`,
  );
  // From an array, since a function takes at most 100 arguments; the empty pair gives the array its type.
  const pairs = sql`array[''::text, null ${sql.join(extras, '')}]`;
  return session.query<CompetingRow>(
    sql`select ordinal, streamname, source, files, ranges, json_object(${pairs})::jsonb - '' as extra
      from pg_temp.undecided where dstfile = ${dstfile} order by ordinal limit 20`,
  );
}

function describeRow(row: CompetingRow): readonly string[] {
  const extra = Object.entries(row.extra).map(([name, value]) => `${name} ${value ?? 'null'}`);
  return [
    `row ${row.ordinal}: files ${row.files}`,
    ...(row.ranges === null ? [] : [`  fileranges ${row.ranges}`]),
    ...(row.streamname === null ? [] : [`  streamname ${row.streamname}`]),
    ...(extra.length === 0 ? [] : [`  ${extra.join(', ')}`]),
  ];
}

/** Describes rows that compete for a product, in lines. */
export function describeRows(rows: readonly CompetingRow[]): readonly string[] {
  return shortenList(rows.flatMap(describeRow));
}
