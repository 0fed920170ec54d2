import { join } from 'node:path';

import { expect, it } from 'vitest';

import { findQueryReads } from '#rules/reads/find-query-reads.ts';
import { makeInputNames } from '#rules/reads/make-input-names.ts';

import { prepareTestRuleOf } from '../../dispatch/test-rule.ts';

import type { RunOptions } from '#model/run-options.ts';

/** The names that trigger a rule with this query, `*` after the beginning of names. */
async function namesOf(query: string, more = '', options: Partial<RunOptions> = {}): Promise<readonly string[]> {
  const prepared = prepareTestRuleOf(
    join('/nowhere'),
    `${more}  input:\n    db: fc\n    query: |-\n      ${query}`,
    options,
  );
  const reads = await findQueryReads(prepared.query.text);
  if (reads === undefined) throw new Error('The query does not parse');
  return makeInputNames(prepared, reads).map(({ name, isPrefix }) => (isPrefix ? `${name}*` : name));
}

const from = (condition: string): string =>
  `select 'filecatalog/datasets' as source, runnumber, segment, filename as files from datasets where ${condition} {run_condition}`;

it.each([
  ["dsttype = 'DST_CALO_run2pp'", ['DST_CALO_run2pp']],
  ["dsttype in ('DST_A_run2pp', 'DST_B_run2pp') and tag <> ''", ['DST_A_run2pp', 'DST_B_run2pp']],
  ["filename like 'DST_CALO_run2pp_ana437_2024p007_v001%'", ['DST_CALO_run2pp_ana437_2024p007_v001*']],
  ["dsttype like 'DST\\_STREAMING\\_%_run2pp'", ['DST_STREAMING_*']],
  ["dsttype ~ '^DST_HIT_INTT[0-7]'", ['DST_HIT_INTT*']],
  ["dsttype ~ '^DST_HITS?_run'", ['DST_HIT*']],
  ["dsttype = 'DST_TEST_run2pp' or dsttype = 'HIST_CALO_run2pp'", ['HIST_CALO_run2pp']],
  ["dsttype like '%' -- not 'DST_COMMENT'", []],
])('finds what triggers a rule: %s', async (condition, expected) => {
  expect(
    await namesOf(from(condition.includes('--') ? `true /* 'DST_COMMENT' */ and dsttype like '%'` : condition)),
  ).toEqual(expected);
});

it('triggers a rule by what it says itself, and by nothing if that is an empty list', async () => {
  const query = from("dsttype = 'DST_CALO_run2pp'");
  expect(await namesOf(query, '  after: [DST_X_run2pp, DST_Y_*]\n')).toEqual(['DST_X_run2pp', 'DST_Y_*']);
  expect(await namesOf(query, '  after: DST_X_run2pp\n')).toEqual(['DST_X_run2pp']);
  expect(await namesOf(query, '  after: []\n')).toEqual([]);
});

it('never triggers a rule that replaces what exists', async () => {
  expect(await namesOf(from("dsttype = 'DST_CALO_run2pp'"), '', { isResubmit: true })).toEqual([]);
});

const type = "'DST_CALO_run2pp'";
const start = "select 'x' as source, 0 as segment, 'f' as files";

it.each([
  ['merged runs', `${start}, min(runnumber) as runnumber from datasets where dsttype = ${type} {run_condition}`],
  [
    'groups of runs',
    `${start}, runnumber / 100 * 100 as runnumber from datasets where dsttype = ${type} {run_condition}`,
  ],
  [
    'merged runs below',
    `${start}, first as runnumber from (select min(runnumber) as first from datasets where dsttype = ${type} {run_condition}) q`,
  ],
  [
    'a number across runs',
    `select 'x' as source, runnumber, row_number() over (order by runnumber) as segment, 'f' as files from datasets where dsttype = ${type} {run_condition}`,
  ],
  [
    'one run of several',
    `select distinct on (segment) 'x' as source, runnumber, segment, 'f' as files from datasets where dsttype = ${type} {run_condition}`,
  ],
  ['no condition for runs', `${start}, runnumber from datasets where dsttype = ${type}`],
])('never asks a rule for single runs that would give another product: %s', async (_what, query) => {
  expect(await namesOf(query)).toEqual([]);
});

it.each([
  `select 'x' as source, d.runnumber::int as runnumber, min(segment) as segment, string_agg(filename, ' ') as files
      from datasets d where dsttype = ${type} {run_condition} group by runnumber`,
  `with d as (select distinct runnumber, filename from datasets where dsttype = ${type} {run_condition})
      select 'x' as source, runnumber, row_number() over (partition by runnumber order by filename) as segment, filename as files from d`,
])('asks a rule for single runs that groups within runs', async (query) => {
  expect(await namesOf(query)).toEqual(['DST_CALO_run2pp']);
});
