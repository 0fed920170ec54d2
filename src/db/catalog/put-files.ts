import { sql } from '../connect.ts';

import type { CatalogFile } from '#model/job/job-event.ts';

import type { Queryable } from '../connect.ts';

/**
 * Puts staged files into `files` and `datasets`, in one transaction; what is there under the same key is replaced.
 *
 * @param files of several with one key the last counts
 * @throws DatabaseError; then nothing was put
 */
export async function putFiles(catalog: Queryable, files: readonly CatalogFile[]): Promise<void> {
  const places = lastOfEach(files, (file) => JSON.stringify([file.lfn, file.host, file.path]));
  const datasets = lastOfEach(files, (file) => JSON.stringify([file.lfn, file.dataset]));
  await catalog.transaction(async (session) => {
    await session.execute(sql`
      insert into ${sql.table(catalog.role, 'files')} (lfn, full_host_name, full_file_path, time, size, md5)
      select lfn, host, path, date_trunc('second', now() at time zone 'utc'), size, md5
      from unnest(
        ${places.map((file) => file.lfn)}::text[], ${places.map((file) => file.host)}::text[],
        ${places.map((file) => file.path)}::text[], ${places.map((file) => file.sizeBytes)}::bigint[],
        ${places.map((file) => file.md5)}::text[]
      ) as f (lfn, host, path, size, md5)
      order by lfn, host, path
      on conflict on constraint files_pkey
      do update set time = excluded.time, size = excluded.size, md5 = excluded.md5`);
    await session.execute(sql`
      insert into ${sql.table(catalog.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
      select lfn, run, segment, size, dataset, dsttype, events
      from unnest(
        ${datasets.map((file) => file.lfn)}::text[], ${datasets.map((file) => file.run)}::int[],
        ${datasets.map((file) => file.segment)}::int[], ${datasets.map((file) => file.sizeBytes)}::bigint[],
        ${datasets.map((file) => file.dataset)}::text[], ${datasets.map((file) => file.dsttype)}::text[],
        ${datasets.map((file) => file.events)}::bigint[]
      ) as d (lfn, run, segment, size, dataset, dsttype, events)
      order by lfn, dataset
      on conflict on constraint datasets_pkey
      do update set runnumber = excluded.runnumber, segment = excluded.segment, size = excluded.size,
                    dsttype = excluded.dsttype, events = excluded.events`);
  });
}

// One statement cannot replace a row twice. Rows are written in key order, so two writers do not deadlock.
function lastOfEach(files: readonly CatalogFile[], keyOf: (file: CatalogFile) => string): readonly CatalogFile[] {
  return [...new Map(files.map((file) => [keyOf(file), file])).values()];
}
