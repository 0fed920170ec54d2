import { afterAll, beforeAll, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { findWhy } from '#dispatch/why/why.ts';
import { renderWhy } from '#reports/why/render-why.ts';

import { emptyWorld, makeProposals, putWorld } from '../../db/decide/world.ts';
import { openPlanWorld } from '../plan-world.ts';
import { testDstfile } from '../test-rule.ts';

import type { RunOptions } from '#model/run-options.ts';

import type { PlanWorld } from '../plan-world.ts';

const inputOf = (run: number): string =>
  `DST_IN_run2pp_ana437_2024p007_v001-${String(run).padStart(8, '0')}-00000.root`;
const pathOf = (run: number): string => `/nowhere/run_00007100_00007200/${inputOf(run)}`;
const runs = [7100, 7101, 7102, 7106, 7110, 7111, 7120, 7121];

let world: PlanWorld;

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
  await putWorld(world.open, {
    ...emptyWorld,
    proposals: runs.map((run) => ({ run, segment: 0, files: inputOf(run) })),
    attempts: [
      { dstfile: testDstfile(7100), state: 'finished' },
      { dstfile: testDstfile(7110), state: 'failed' },
    ],
    files: runs.map((run) => ({ lfn: inputOf(run), path: pathOf(run) })),
  });
  const { status } = world.open.databases;
  await status.execute(sql`update ${sql.table(status.role, 'production_status')} set ended = '2025-04-10 12:00:00',
    cluster = 4711, rule = 'TEST', inputs = case id when 1 then ${runs.slice(0, 4).map(pathOf).join(',')}
    else ${runs.slice(4, 6).map(pathOf).join(',')} end`);
});

afterAll(() => world.close());

/** A query that makes one product of ten runs. */
const merging = (run: string, more = ''): string => `select 'x' as source, ${run} as runnumber, 0 as segment,
        string_agg(files, ' ' order by runnumber) as files ${more}
      from proposal where true {run_condition} group by runnumber / 10`;

async function why(
  run: number,
  query: string,
  options: Partial<RunOptions> = { runs: { kind: 'one', run } },
  isRunChosen = true,
) {
  return renderWhy(await findWhy({ ...world.inputOf(options, undefined, query), isRunChosen }, { run }));
}

it('names the row of another run that the query makes of this one, and its attempt (C-S6)', async () => {
  expect(await why(7106, merging('(runnumber / 10) * 10'))).toMatchInlineSnapshot(`
    "TEST, run 7106
    the query has no row for this run by itself
    run 7106 is merged into:
    DST_TEST_run2pp_ana437_2024p007_v001-00007100-00000: not-selected
      '--runs 7106' is another run
      attempt 1 (cupsid 1) is finished since 2025-04-10 12:00:00 UTC
      job 4711.0, by rule TEST
    "
  `);
});

it('shows the verdict of the product that a run was merged into where no runs were chosen (C-S6)', async () => {
  expect(await why(7106, merging('(runnumber / 10) * 10'), undefined, false)).toMatchInlineSnapshot(`
    "TEST, run 7106
    the query has no row for this run by itself
    run 7106 is merged into:
    DST_TEST_run2pp_ana437_2024p007_v001-00007100-00000: blocked
      attempt 1 (cupsid 1) is finished since 2025-04-10 12:00:00 UTC
      job 4711.0, by rule TEST
      to redo it: --unblock-state finished
      its product is not in the catalog: check its log and its stage-outs
      inputs unknown: '/nowhere/run_00007100_00007200': no part of this path exists: its file system may not be mounted
    "
  `);
});

it('names the product that was dispatched with files of a run, beside what the query makes of that run alone', async () => {
  expect(await why(7106, merging('min(runnumber)'))).toMatchInlineSnapshot(`
    "TEST, run 7106
    DST_TEST_run2pp_ana437_2024p007_v001-00007106-00000: ready
      input /nowhere/run_00007100_00007200/DST_IN_run2pp_ana437_2024p007_v001-00007106-00000.root
      inputs unknown: '/nowhere/run_00007100_00007200': no part of this path exists: its file system may not be mounted
    run 7106 is merged into:
    DST_TEST_run2pp_ana437_2024p007_v001-00007100-00000: dispatched with its files
      attempt 1 (cupsid 1) is finished since 2025-04-10 12:00:00 UTC
      job 4711.0, by rule TEST
    "
  `);
});

it('names the product of a range of runs where that was asked for', async () => {
  const options = { runs: { kind: 'range', first: 7100, last: 7119 } } as const;
  expect(await why(7111, merging('min(runnumber)'), options)).toMatchInlineSnapshot(`
    "TEST, run 7111
    the query has no row for this run by itself
    run 7111 is merged into:
    DST_TEST_run2pp_ana437_2024p007_v001-00007110-00000: blocked
      attempt 1 (cupsid 2) is failed since 2025-04-10 12:00:00 UTC
      job 4711.0, by rule TEST
      to try again: --unblock-state failed
      inputs unknown: '/nowhere/run_00007100_00007200': no part of this path exists: its file system may not be mounted
    "
  `);
});

it('asks the query for all runs where it returns nothing for this one', async () => {
  const query = `${merging('min(runnumber)').replace('{run_condition}', '{run_condition} {seg_condition}')} having count(*) > 1`;
  expect(await why(7121, query)).toMatchInlineSnapshot(`
    "TEST, run 7121
    the query has no row for this run by itself
    run 7121 is merged into:
    DST_TEST_run2pp_ana437_2024p007_v001-00007120-00000: ready
      input /nowhere/run_00007100_00007200/DST_IN_run2pp_ana437_2024p007_v001-00007120-00000.root
      input /nowhere/run_00007100_00007200/DST_IN_run2pp_ana437_2024p007_v001-00007121-00000.root
      inputs unknown: '/nowhere/run_00007100_00007200': no part of this path exists: its file system may not be mounted
    "
  `);
});

it('uses the columns firstrun and lastrun as the ends of the runs of a row', async () => {
  const query = `select 'x' as source, runnumber, segment, 'a.evt' as files, 7300 as firstrun, '7310' as lastrun from proposal
      where runnumber = 7110 {run_condition}`;
  const merged = async (run: number) => {
    const { rows } = (await findWhy(world.inputOf({ runs: { kind: 'cursor' } }, undefined, query), { run })).merged;
    return rows.rows.map(({ dstfile }) => dstfile);
  };
  expect(await merged(7305)).toEqual([testDstfile(7110)]);
  expect(await merged(7311)).toEqual([]);
});

it('reads a range of runs in the name of an input, and no run in the name of a directory', async () => {
  const query = `select 'x' as source, 7110 as runnumber, 0 as segment, files from (values
      ('/data/run_00007100_00007200/HST_A_run2pp_new_2024p001-00007250-00007260-0042-00.root')) as f (files)`;
  const isMerged = async (run: number): Promise<boolean> => {
    const input = world.inputOf({ runs: { kind: 'cursor' } }, undefined, query);
    return (await findWhy(input, { run })).merged.rows.rows.length > 0;
  };
  expect(await isMerged(7255)).toBe(true);
  expect(await isMerged(7260)).toBe(true);
  expect(await isMerged(7261)).toBe(false);
  expect(await isMerged(7200)).toBe(false);
});
