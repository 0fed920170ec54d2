import { expect, it } from 'vitest';

import { renderMigration } from '#reports/render-migration.ts';

import type { Adoption, MigrationReport } from '#model/report/migration.ts';

const nothing: Adoption = { counts: [], changes: [], open: [], added: [], hasNewStates: false, rewrittenBytes: 0 };
const report = (role: MigrationReport['role'], more: Partial<MigrationReport> = {}): MigrationReport => ({
  ...{ role, applied: [], isForeign: false },
  ...more,
});

it.each([
  [report('status'), false, 'status   up to date\n'],
  [report('status', { applied: ['0001-a', '0002-b'] }), false, 'status   0001-a, 0002-b\n'],
  [report('status', { applied: ['0001-a', '0002-b'] }), true, 'status   to run: 0001-a, 0002-b\n'],
  [report('catalog', { isForeign: true }), false, 'catalog  created by others, complete\n'],
  [report('raw', { isForeign: true }), true, 'raw      created by others, unchanged\n'],
])('one line where nothing is adopted: %j', (given, isPlan, text) => {
  expect(renderMigration(given, isPlan)).toBe(text);
});

it('shows what a file catalog gets', () => {
  const adoption: Adoption = {
    ...nothing,
    counts: [
      { table: 'files', before: 1_200_000, after: 1_200_000 },
      { table: 'datasets', after: 0 },
    ],
    added: ['table datasets', 'files.md5'],
    changes: [{ table: 'files', column: 'size', from: 'integer', to: 'bigint', isCount: false, isRewriting: true }],
    rewrittenBytes: 2_340_000_000,
  };
  expect(renderMigration(report('catalog', { isForeign: true, adoption }), true)).toMatchInlineSnapshot(`
    "catalog  created by others, to be completed

    table     rows before  rows after
    --------  -----------  ----------
    files         1200000     1200000
    datasets                        0

    Added: table datasets, files.md5
    Rewritten once: files (2.3 GB), for size bigint
    "
  `);
});

it('shows what was adopted, and what operators have to know', () => {
  const adoption: Adoption = {
    ...nothing,
    counts: [
      { table: 'production_status', before: 1_234_567, after: 1_234_567, live: 1_200_000, retired: 34_567 },
      { table: 'invalid_run_list', before: 3, after: 3 },
    ],
    changes: [
      {
        table: 'production_status',
        column: 'dstfile',
        from: 'character varying(128)',
        to: 'text',
        isCount: false,
        isRewriting: false,
      },
      { table: 'production_status', column: 'flags', from: 'integer', to: 'bigint', isCount: true, isRewriting: true },
    ],
    open: [
      { state: 'submitting', attempts: 7, withoutCluster: 2 },
      { state: 'running', attempts: 1500, withoutCluster: 0 },
    ],
    hasNewStates: true,
    rewrittenBytes: 300_000_000,
  };
  const given = report('status', { applied: ['0001-attempts'], adoption });
  expect(renderMigration(given, false)).toMatchInlineSnapshot(`
    "status   adopted from an older system: 0001-attempts

    table              rows before  rows after     live  retired
    -----------------  -----------  ----------  -------  -------
    production_status      1234567     1234567  1200000    34567
    invalid_run_list             3           3

    The type 'prodstate' gets all states, in the order used by '<'
    1 column of limited length becomes text, without touching rows
    Rewritten once: production_status (300 MB), for flags bigint, status
    1,507 attempts are not final and do not belong to a submission of SLURP:
      7 submitting, 1,500 running
    They stay unchanged and block; their jobs may still report the old way.
    2 of them are 'submitting' without a cluster: probably never submitted.
    To redo those whose jobs are gone: kaedama … -u submitting running
    3 entries of invalid_run_list count from now on: the original ignored them
    "
  `);
});
