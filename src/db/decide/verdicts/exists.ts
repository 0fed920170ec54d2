import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';

import { findFacts } from '../find-facts.ts';
import { outputNamesSql } from '../output-names.ts';

import type { Database } from '#db/connect.ts';

import type { LateJudging, VerdictPart } from './verdict-part.ts';

/**
 * Gives the verdict `exists` to undecided rows whose product has a row in `datasets`, under any dataset; `note` says
 * which file it is.
 */
async function markExisting({ session, catalog, names }: LateJudging): Promise<void> {
  const wanted = outputNamesSql(names, sql`pg_temp.undecided u where u.verdict is null`);
  await session.execute(sql`insert into pg_temp.wanted select n.filename from ${wanted}`);
  await findFacts({
    session,
    catalog,
    into: 'output',
    facts: (asked) => sql`select distinct d.filename from ${asked} w
      join ${sql.table(catalog.role, 'datasets')} d on d.filename = w.name`,
  });
  await session.execute(sql`truncate pg_temp.wanted`);
  await session.execute(
    sql`update pg_temp.undecided as o set verdict = 'exists', note = hit.filename
      from (select n.ordinal, min(n.filename collate "C") as filename
        from ${wanted} join pg_temp.output using (filename) group by n.ordinal) as hit
      where hit.ordinal = o.ordinal`,
  );
}

async function findDatasets(catalog: Database, filename: string): Promise<readonly string[]> {
  const rows = await catalog.query<{ dataset: string }>(
    sql`select dataset from ${sql.table(catalog.role, 'datasets')} where filename = ${filename} order by dataset`,
  );
  return rows.map(({ dataset }) => dataset);
}

/** The catalog has a file of the product. `--resubmit` passes over it. */
export const exists: VerdictPart<'exists'> = {
  meaning: 'already exist',
  mark: async (judging) => {
    if (!judging.request.isResubmit) await markExisting(judging);
    return [];
  },
  findFact: async ({ catalog }, { note }) => {
    const filename = assertPresent(note, 'the file of a product');
    return { filename, datasets: await findDatasets(catalog, filename) };
  },
  describe: ({ filename, datasets }) => [
    `${filename} is in the catalog, dataset ${datasets.map((dataset) => `'${dataset}'`).join(', ')}`,
    'to redo it: --resubmit',
  ],
};
