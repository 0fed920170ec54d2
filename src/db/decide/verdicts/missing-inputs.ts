import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';

import { shortenList } from '../explain/describe-attempt.ts';
import { findInputs } from '../inputs/find-inputs.ts';
import { itemsSql } from '../list-sql.ts';

import type { Database, Session } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';
import type { MissingInput } from '#model/report/verdict-fact.ts';

import type { VerdictPart } from './verdict-part.ts';

/** Reports which input the first candidate lacks, and how to see more. */
async function findMissingWarnings(session: Session, count: number): Promise<readonly DecisionWarning[]> {
  const [example] = await session.query<{ run: number; segment: number; lfn: string; path: string | null }>(
    sql`with first as materialized (
        select run, segment, files from pg_temp.undecided where verdict = 'missing-inputs' order by ordinal limit 1
      ), named as materialized (
        select run, segment, lfn, position
        from first cross join lateral unnest(${itemsSql(sql`files`)}) with ordinality as f(lfn, position)
        where lfn <> ''
      )
      select run, segment, lfn, (select min(g.path) from pg_temp.gone g where g.lfn = named.lfn) as path from named
      where not exists (select from pg_temp.location l where l.lfn = named.lfn) order by position limit 1`,
  );
  if (example === undefined) return [];
  const { run, segment, lfn, path } = example;
  const what = path === null ? `'${lfn}'` : `'${path}' no longer exists on disk`;
  const who = `${countOf(count, 'candidate')} ${count === 1 ? 'lacks' : 'lack'} inputs`;
  return [
    {
      kind: 'missing-inputs',
      count,
      message: `${who}, e.g. run ${run} segment ${segment}: ${what} (kaedama … --why ${run} ${segment})`,
    },
  ];
}

async function findMissing(
  session: Session,
  catalog: Database | undefined,
  ordinal: number,
): Promise<readonly MissingInput[]> {
  const rows = await session.query<{ lfn: string; unusable: readonly string[] }>(
    sql`select n.lfn, coalesce((select array_agg(path order by path) from pg_temp.listing p where p.basename = n.lfn),
        '{}') as unusable
      from pg_temp.needed n left join pg_temp.location l using (lfn)
      where n.ordinal = ${ordinal} and l.path is null order by n.position`,
  );
  if (catalog === undefined) return rows.map((row) => ({ ...row, gone: [] }));
  const lost = await session.query<{ path: string }>(sql`select path from pg_temp.gone`);
  const gone = lost.map(({ path }) => path);
  const registered = await catalog.query<{ lfn: string; path: string }>(
    sql`select lfn, full_file_path as path from ${sql.table(catalog.role, 'files')}
      where lfn = any(${rows.map((row) => row.lfn)}::text[]) order by full_file_path`,
  );
  return rows.map(({ lfn, unusable }) => ({
    lfn,
    unusable: [
      ...unusable,
      ...registered.filter((file) => file.lfn === lfn && !gone.includes(file.path)).map((file) => file.path),
    ],
    gone: registered.filter((file) => file.lfn === lfn && gone.includes(file.path)).map((file) => file.path),
  }));
}

function describeMissing({ lfn, unusable, gone }: MissingInput): readonly string[] {
  return [
    `missing: ${lfn}`,
    ...gone.map((path) => `  '${path}' no longer exists on disk`),
    ...unusable.map((path) => `  '${path}' is not usable: its name differs, or it contains a space or a comma`),
  ];
}

/** An input is not in the catalog, or not in `direct_path`; with `verify: true`, not on disk. */
export const missingInputs: VerdictPart<'missing-inputs'> = {
  meaning: 'missing inputs',
  mark: ({ session, catalog, request }) => findInputs(session, catalog, request.inputs),
  warn: findMissingWarnings,
  findFact: async ({ session, decision, catalog }, { ordinal }) => {
    const [wanted] = await session.query<{ count: number }>(
      sql`select count(*)::int as count from pg_temp.needed where ordinal = ${ordinal}`,
    );
    const missing = await findMissing(session, decision.inputs === 'catalog' ? catalog : undefined, ordinal);
    return { wanted: assertPresent(wanted, 'a count').count, missing };
  },
  describe: ({ wanted, missing }, { inputsFrom }) => {
    const gone = missing.filter((input) => input.gone.length > 0).length;
    const unknown = missing.length - gone;
    const of = `of ${formatCount(wanted)} inputs`;
    return [
      ...(unknown === 0 ? [] : [`${formatCount(unknown)} ${of} are not in ${inputsFrom}`]),
      ...(gone === 0 ? [] : [`${formatCount(gone)} ${of} are in ${inputsFrom}, but not on disk`]),
      ...shortenList(missing.flatMap(describeMissing)),
    ];
  },
};
