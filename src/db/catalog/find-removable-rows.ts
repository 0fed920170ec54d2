import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/** A row of `files`. */
export interface FilesRow {
  readonly lfn: string;
  readonly host: string;
  readonly path: string;
  readonly sizeBytes: number | null;
}

/** The key of a row of `datasets`. */
export interface DatasetsKey {
  readonly filename: string;
  readonly dataset: string;
}

/** Finds the rows of `datasets` of one run whose file name begins with these characters. @throws DatabaseError */
export function findDatasetsOfRun(catalog: Queryable, run: number, prefix: string): Promise<readonly DatasetsKey[]> {
  return catalog.query<DatasetsKey>(sql`
    select filename, dataset from ${sql.table(catalog.role, 'datasets')}
    where runnumber = ${run} and starts_with(filename, ${prefix}) order by filename, dataset`);
}

/** Finds the rows of `datasets` and of `files` with these file names, by name. @throws DatabaseError */
export async function findRowsOfFiles(
  catalog: Queryable,
  lfns: readonly string[],
): Promise<{ readonly files: readonly FilesRow[]; readonly datasets: readonly DatasetsKey[] }> {
  if (lfns.length === 0) return { files: [], datasets: [] };
  const files = await catalog.query<FilesRow>(sql`
    select lfn, full_host_name as host, full_file_path as path, size as "sizeBytes"
    from ${sql.table(catalog.role, 'files')} where lfn = any (${lfns}::text[]) order by lfn, host, path`);
  const datasets = await catalog.query<DatasetsKey>(sql`
    select filename, dataset from ${sql.table(catalog.role, 'datasets')}
    where filename = any (${lfns}::text[]) order by filename, dataset`);
  return { files, datasets };
}
