/**
 * What a column holds, as SLURP has it. Texts and numbers may be narrower where others made the table; `count` is a
 * bigint that is 0 where nothing is known.
 */
export type ColumnKind = 'text' | 'integer' | 'bigint' | 'count' | 'timestamp' | 'json' | 'state';

/** The expected type of a column of the original, and whether the table is recognized by it. */
export interface OriginalColumn {
  readonly kind: ColumnKind;
  /** The table is not the one that is meant unless it has it; other columns are added where they are missing. */
  readonly isNeeded: boolean;
}

/** The columns of a table by name. */
export type OriginalTable = Readonly<Record<string, OriginalColumn>>;

/** `name kind`, separated by spaces or newlines; a `?` behind the kind: may be missing. */
function parseColumns(text: string): OriginalTable {
  const kinds: Readonly<Record<string, ColumnKind>> = {
    ...{ text: 'text', int: 'integer', bigint: 'bigint', count: 'count', time: 'timestamp', json: 'json' },
    state: 'state',
  };
  const entries = text
    .trim()
    .split(/\s*,\s*/)
    .map((entry): [string, OriginalColumn] => {
      const [name = '', word = ''] = entry.split(/\s+/);
      return [name, { kind: kinds[word.replace('?', '')] ?? 'text', isNeeded: !word.endsWith('?') }];
    });
  return Object.fromEntries(entries);
}

/** The tables of the original in the status database, in the order in which they refer to each other. */
export const originalStatusTables: Readonly<Record<string, OriginalTable>> = {
  production_setup: parseColumns(
    `id int, name text, build text, dbtag text, repo text, dir text, hash text, revision int?`,
  ),
  production_status: parseColumns(`
    id int, dsttype text, dstname text, dstfile text, run int, segment int, nsegments int, inputs text, ranges text?,
    prod_id int, cluster int, process int, status state, submitting time?, submitted time?, started time?,
    running time?, ended time?, flags count?, exit_code int?, nevents count?, submission_host text?,
    execution_node text?, message text?, logsize bigint?, last_message time?`),
  production_cursor: parseColumns(`id int, dsttype text, build text, tag text, version int, lastrun int`),
  production_quality: parseColumns(`id int, dstname text, run int, segment int, stat_id int, qual json`),
  dataset_status: parseColumns(`
    id int, dstname text, run int, lastrun int?, revision int?, nsegments int?, parent text?, created time?,
    updated time?, finalized time?, broken time?, status text?, blame text?`),
  cups_stats: parseColumns(`
    id int, dstname text, run int, segment int, update text, started time, ended time, nattempts int, exception text`),
  invalid_run_list: parseColumns(`
    id int, dstname text, first_run int, last_run int?, first_segment int?, last_segment int?, reason text?,
    created_at time?, expires_at time?`),
};

/** Tables of ours that the original does not have. */
export const newStatusTables = ['submission', 'production_event', 'file_owner'] as const;

/** The tables of a file catalog, as far as SLURP uses them: the original's `datasets` has seven columns, and later ones more. */
export const originalCatalogTables: Readonly<Record<string, OriginalTable>> = {
  files: parseColumns(`lfn text, full_host_name text, full_file_path text, time time?, size bigint?, md5 text?`),
  datasets: parseColumns(`
    filename text, runnumber int, segment int, size bigint?, dataset text, dsttype text, events bigint?`),
};
