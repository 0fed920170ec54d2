import { sql } from '../../connect.ts';

import type { CondorWord, LimitedRows, QuerySelection } from '#model/report/query-report.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** What the batch system says of one job. */
export interface QueueJob {
  readonly cupsid: number;
  readonly uuid: string;
  readonly word: CondorWord;
  /** ISO 8601 UTC. */
  readonly since?: string;
  readonly code?: number;
  readonly subcode?: number;
  readonly reason?: string;
}

/** The condition that a row `p` of `production_status` is live and selected. */
export function selectedSql(selection: QuerySelection): Statement {
  return sql`p.retired_at is null and ${chosenSql(selection)}`;
}

/** The condition that a row `p` of `production_status` is selected, whether it is live or retired. */
export function chosenSql({ runs, names, since }: QuerySelection): Statement {
  return sql.join(
    [
      sql`true`,
      ...(runs === undefined ? [] : [runsSql(runs)]),
      ...(names.length === 0 ? [] : [sql`(p.dstname = any (${names}::text[]) or p.dsttype = any (${names}::text[]))`]),
      ...(since === undefined ? [] : [sql`coalesce(p.submitted, p.submitting) > ${since}::timestamp`]),
    ],
    ' and ',
  );
}

function runsSql(runs: NonNullable<QuerySelection['runs']>): Statement {
  switch (runs.kind) {
    case 'one':
      return sql`p.run = ${runs.run}`;
    case 'range':
      return sql`p.run between ${runs.first} and ${runs.last}`;
    case 'list':
      return sql`p.run = any (${runs.runs}::int[])`;
  }
}

/** Seconds between two columns, as a number. */
export function secondsSql(from: string, to: string): Statement {
  return sql`extract(epoch from p.${sql.identifier(to)} - p.${sql.identifier(from)})::float8`;
}

/** The jobs of a batch system as rows `(cupsid, uuid, word, since, code, subcode, reason)`. */
export function jobsSql(jobs: readonly QueueJob[]): Statement {
  return sql`unnest(
    ${jobs.map((job) => job.cupsid)}::int[], ${jobs.map((job) => job.uuid)}::uuid[],
    ${jobs.map((job) => job.word)}::text[], ${jobs.map((job) => job.since ?? null)}::timestamp[],
    ${jobs.map((job) => job.code ?? null)}::int[], ${jobs.map((job) => job.subcode ?? null)}::int[],
    ${jobs.map((job) => job.reason ?? null)}::text[]
  ) as q (cupsid, uuid, word, since, code, subcode, reason)`;
}

/**
 * Reads the first rows of a statement and counts the others, in one scan.
 *
 * @param limit rows at most; 0: all
 * @param order columns of the statement for `order by`
 * @throws DatabaseError
 */
export async function findLimitedRows<Row extends object>(
  status: Queryable,
  statement: Statement,
  { limit, order }: { readonly limit: number; readonly order: Statement },
): Promise<LimitedRows<Row>> {
  const most = limit === 0 ? null : limit;
  const rows = await status.query<Row & { readonly total: number }>(sql`
    select r.*, (count(*) over ())::int as total from (${statement}) r order by ${order} limit ${most}::bigint`);
  const total = rows[0]?.total ?? 0;
  // The count is not a column of the report.
  for (const row of rows) Reflect.deleteProperty(row, 'total');
  return { rows, leftOut: total - rows.length };
}
