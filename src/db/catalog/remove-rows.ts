import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';
import type { DatasetsKey, FilesRow } from './find-removable-rows.ts';

/**
 * Removes exactly these rows of `files` and `datasets`, in one transaction.
 *
 * @returns how many of each were there
 * @throws DatabaseError; then none was removed
 */
export function removeRows(
  catalog: Queryable,
  files: readonly Pick<FilesRow, 'lfn' | 'host' | 'path'>[],
  datasets: readonly DatasetsKey[],
): Promise<{ readonly filesRows: number; readonly datasetsRows: number }> {
  return catalog.transaction(async (session) => {
    const filesRows = await session.execute(sql`
      delete from ${sql.table(catalog.role, 'files')} f using unnest(
        ${files.map(({ lfn }) => lfn)}::text[], ${files.map(({ host }) => host)}::text[],
        ${files.map(({ path }) => path)}::text[]
      ) as k (lfn, host, path)
      where f.lfn = k.lfn and f.full_host_name = k.host and f.full_file_path = k.path`);
    const datasetsRows = await session.execute(sql`
      delete from ${sql.table(catalog.role, 'datasets')} d using unnest(
        ${datasets.map(({ filename }) => filename)}::text[], ${datasets.map(({ dataset }) => dataset)}::text[]
      ) as k (filename, dataset)
      where d.filename = k.filename and d.dataset = k.dataset`);
    return { filesRows, datasetsRows };
  });
}
