import { sql } from '#db/sql.ts';
import { jobStates } from '#model/job/job-state.ts';
import { present } from '#util/present.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Statement } from '#db/sql.ts';
import type { OpenCount, TableCount } from '#model/report/migration.ts';

/** Where older rows of `dataset_status` go. */
const supersededTable = 'dataset_status_superseded';

function tableOf(schema: string, name: string): Statement {
  return sql.table({ schema }, name);
}

/** Counts the rows of tables, by name. */
export async function countRows(
  ask: Ask,
  schema: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names) {
    const [row] = await ask<{ readonly rows: number }>(sql`select count(*) as rows from ${tableOf(schema, name)}`);
    counts.set(name, row?.rows ?? 0);
  }
  return counts;
}

/** Sums up what tables take on disk, without their indexes. */
export async function countBytes(ask: Ask, schema: string, names: readonly string[]): Promise<number> {
  const [row] = await ask<{ readonly bytes: number }>(sql`
    select coalesce(sum(pg_table_size(c.oid)), 0)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = any (${names}::text[]) and c.relkind = 'r'`);
  return row?.bytes ?? 0;
}

/** Counts after the adoption, beside those from before. */
export async function countAdopted(
  ask: Ask,
  schema: string,
  names: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<readonly TableCount[]> {
  const [moved] = await ask<{ readonly isThere: boolean }>(sql`
    select exists (
      select from pg_tables where schemaname = ${schema} and tablename = ${supersededTable}
    ) as "isThere"`);
  const all = names.flatMap((name) =>
    name === 'dataset_status' && moved?.isThere === true ? [name, supersededTable] : [name],
  );
  const after = await countRows(ask, schema, all);
  const [attempts] = await ask<{ readonly retired: number }>(sql`
    select count(*) filter (where retired_at is not null) as retired from ${tableOf(schema, 'production_status')}`);
  const retired = attempts?.retired ?? 0;
  return [...after].map(([table, rows]) => {
    const was = before.get(table);
    return {
      table,
      ...present({ before: was }),
      after: rows,
      ...(table === 'production_status' ? { live: rows - retired, retired } : {}),
    };
  });
}

/** Reports what {@link countAdopted} will say, from tables that are still as they were. */
export async function countPlanned(
  ask: Ask,
  schema: string,
  names: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<readonly TableCount[]> {
  const live = before.has('production_status')
    ? await ask<{ readonly live: number }>(
        sql`select count(distinct dstfile) as live from ${tableOf(schema, 'production_status')}`,
      )
    : [];
  const counts: TableCount[] = [];
  for (const table of names) {
    const rows = before.get(table);
    const count = { table, ...present({ before: rows }), after: rows ?? 0 };
    if (table === 'production_status') {
      const stays = live[0]?.live ?? 0;
      counts.push({ ...count, live: stays, retired: (rows ?? 0) - stays });
    } else if (table === 'dataset_status' && rows !== undefined) {
      const stays = await countDatasets(ask, schema);
      counts.push({ ...count, after: stays });
      if (stays < rows) counts.push({ table: supersededTable, after: rows - stays });
    } else {
      counts.push(count);
    }
  }
  return counts;
}

async function countDatasets(ask: Ask, schema: string): Promise<number> {
  // The column may be missing; a row as JSON has it or not.
  const [row] = await ask<{ readonly rows: number }>(sql`
    select count(distinct (dstname, run, coalesce(to_jsonb(d) ->> 'lastrun', '0'))) as rows
    from ${tableOf(schema, 'dataset_status')} d`);
  return row?.rows ?? 0;
}

/**
 * Counts the newest attempts of each product that are not at their end, by state.
 *
 * @param isAdopted the rows know already which of them are live
 */
export async function countOpen(ask: Ask, schema: string, isAdopted: boolean): Promise<readonly OpenCount[]> {
  const status = tableOf(schema, 'production_status');
  const newest = isAdopted
    ? sql`select status, cluster from ${status} where retired_at is null and submission_id is null
            and status not in ('finished', 'failed')`
    : sql`select status, cluster from (select distinct on (dstfile) status, cluster from ${status} order by dstfile, id desc) p
          where status::text not in ('finished', 'failed')`;
  const rows = await ask<OpenCount>(sql`
    select status::text as state, count(*) as attempts, count(*) filter (where cluster = 0) as "withoutCluster"
    from (${newest}) p group by 1`);
  return rows.toSorted((one, other) => jobStates.indexOf(one.state) - jobStates.indexOf(other.state));
}
