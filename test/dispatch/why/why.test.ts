import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { resolveRefused } from '#db/status/refused/resolve-refused.ts';
import { findWhy } from '#dispatch/why/why.ts';
import { renderWhy } from '#reports/why/render-why.ts';

import { emptyWorld, makeProposals, putWorld } from '../../db/decide/world.ts';
import { eventOf } from '../../ingest/attempts.ts';
import { blindQuery, openPlanWorld, putFiles } from '../plan-world.ts';
import { testDstfile } from '../test-rule.ts';

import type { WhyQuestion } from '#model/report/why.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { PlanWorld } from '../plan-world.ts';

let world: PlanWorld;

beforeAll(async () => {
  world = await openPlanWorld();
  const { open } = world;
  await makeProposals(open);
  await putWorld(open, {
    ...emptyWorld,
    proposals: [
      { run: 1, segment: 0, files: 'a.evt' },
      { run: 2, segment: 0, files: 'a.evt' },
      { run: 3, segment: 0, files: 'a.evt' },
      { run: 4, segment: 0, files: 'a.evt', ranges: 'a:0:9' },
      { run: 4, segment: 0, files: 'b.evt' },
      { run: 5, segment: 0, files: 'a.evt no.evt odd.evt' },
      { run: 6, segment: 0, files: '' },
      { run: 7, segment: 0, files: 'b.evt a.evt' },
      { run: 7, segment: 0, files: 'b.evt a.evt' },
      { run: 7, segment: 1, files: 'a.evt' },
      { run: 8, segment: 0, files: 'a.evt' },
    ],
    attempts: [{ dstfile: testDstfile(2), state: 'held' }],
    invalid: [{ dstname: 'DST_TEST_run2pp', runs: [1, -1], segments: [0, 5] }].map((entry) => ({
      ...entry,
      runs: [1, 1] as const,
      segments: [0, 5] as const,
    })),
    datasets: [`${testDstfile(3)}.root`],
    files: [
      ...['a.evt', 'b.evt'].map((lfn) => ({ lfn, path: `/nowhere/${lfn}` })),
      { lfn: 'odd.evt', path: '/nowhere/renamed.evt' },
    ],
  });
  const { status } = open.databases;
  await status.execute(sql`update ${sql.table(status.role, 'production_status')} set started = '2025-04-10 12:00:00',
    cluster = 4711, process = 3, rule = 'TEST', submission_host = 'submit01', execution_node = 'node7',
    message = 'out of memory'`);
  await status.execute(
    sql`update ${sql.table(status.role, 'invalid_run_list')} set reason = 'magnet off', expires_at = '2161-10-11'`,
  );
});

afterAll(() => world.close());

const all: Partial<RunOptions> = { runs: { kind: 'range', first: 0, last: 999999 } };

async function why(question: WhyQuestion, options = all, directPath?: string, query?: string): Promise<string> {
  return renderWhy(await findWhy(world.inputOf(options, directPath, query), question));
}

describe('why', () => {
  it('names the entry of the list of invalid runs', async () => {
    expect(await why({ run: 1 })).toMatchInlineSnapshot(`
      "TEST, run 1
      DST_TEST_run2pp_ana437_2024p007_v001-00000001-00000: invalid-run
        invalid_run_list 1: DST_TEST_run2pp, runs 1 to 1, segments 0 to 5: magnet off (expires 2161-10-11 00:00:00 UTC)
      "
    `);
  });

  it('names the attempt that blocks, its state and since when', async () => {
    expect(await why({ run: 2 })).toMatchInlineSnapshot(`
      "TEST, run 2
      DST_TEST_run2pp_ana437_2024p007_v001-00000002-00000: blocked
        attempt 1 (cupsid 1) is held since 2025-04-10 12:00:00 UTC
        job 4711.3 from submit01 on node7, by rule TEST
        last message: out of memory
        to try again: --unblock-state held
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });

  it('names the attempt that will be replaced', async () => {
    expect(await why({ run: 2 }, { ...all, unblock: ['held'] })).toMatchInlineSnapshot(`
      "TEST, run 2
      DST_TEST_run2pp_ana437_2024p007_v001-00000002-00000: ready
        replaces an earlier attempt:
        attempt 1 (cupsid 1) is held since 2025-04-10 12:00:00 UTC
        job 4711.3 from submit01 on node7, by rule TEST
        last message: out of memory
        input /nowhere/a.evt
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });

  it('names the file that exists', async () => {
    expect(await why({ run: 3 })).toMatchInlineSnapshot(`
      "TEST, run 3
      DST_TEST_run2pp_ana437_2024p007_v001-00000003-00000: exists
        DST_TEST_run2pp_ana437_2024p007_v001-00000003-00000.root is in the catalog, dataset 'some_dataset'
        to redo it: --resubmit
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });

  it('shows the rows that differ', async () => {
    expect(await why({ run: 4 })).toMatchInlineSnapshot(`
      "TEST, run 4
      2 rows: 2 duplicate
      DST_TEST_run2pp_ana437_2024p007_v001-00000004-00000: duplicate
        row 4: files a.evt
          fileranges a:0:9
        row 5: files b.evt
      "
    `);
  });

  it('names the inputs that are missing, and where they were looked for', async () => {
    expect(await why({ run: 5 })).toMatchInlineSnapshot(`
      "TEST, run 5
      DST_TEST_run2pp_ana437_2024p007_v001-00000005-00000: missing-inputs
        2 of 3 inputs are not in the catalog's files
        missing: no.evt
        missing: odd.evt
          '/nowhere/renamed.evt' is not usable: its name differs, or it contains a space or a comma
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });

  it('names the direct path where inputs are missing', async () => {
    await putFiles(world.root, ['raw/one/a.evt']);
    expect((await why({ run: 5 }, all, './raw/*/')).replaceAll(world.root, '')).toMatchInlineSnapshot(`
      "TEST, run 5
      DST_TEST_run2pp_ana437_2024p007_v001-00000005-00000: missing-inputs
        2 of 3 inputs are not in direct_path '/raw/*'
        missing: no.evt
        missing: odd.evt
      "
    `);
  });

  it('names the column of a row that names no product', async () => {
    expect(await why({ run: 6 })).toMatchInlineSnapshot(`
      "TEST, run 6
      DST_TEST_run2pp_ana437_2024p007_v001-00000006-00000: rejected
        column 'files' is null, empty or invalid, so the row names no product
      "
    `);
  });

  it('names the inputs of a ready one, and reports a repeated one as such', async () => {
    expect(await why({ run: 7 })).toMatchInlineSnapshot(`
      "TEST, run 7
      3 rows: 2 ready, 1 repeated
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: ready
        input /nowhere/b.evt
        input /nowhere/a.evt
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: repeated
        row 8: files b.evt a.evt
        row 9: files b.evt a.evt
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00001: ready
        input /nowhere/a.evt
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
    expect(await why({ run: 7, segment: 1 })).toMatchInlineSnapshot(`
      "TEST, run 7, segment 1
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00001: ready
        input /nowhere/a.evt
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });

  it('reports the limit, and how many come before', async () => {
    expect(renderWhy(await findWhy({ ...world.inputOf(all), maxJobs: 1 }, { run: 8 }))).toMatchInlineSnapshot(`
      "TEST, run 8
      DST_TEST_run2pp_ana437_2024p007_v001-00000008-00000: over-limit
        1 ready job before it, and the limit is 1
        inputs unknown: '/nowhere': no part of this path exists: its file system may not be mounted
      "
    `);
  });
});

describe('why there is no candidate', () => {
  it('is the cursor', async () => {
    expect(await why({ run: 7, segment: 1 }, { runs: { kind: 'cursor' }, cursor: 8 })).toMatchInlineSnapshot(`
      "TEST, run 7, segment 1
      not a candidate: '--runs cursor' begins at run 8
      with '--runs 7' it would be:
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00001: ready
        input /nowhere/a.evt
      "
    `);
  });

  it.each<[Partial<RunOptions>, string]>([
    [{ runs: { kind: 'cursor', window: 2 }, cursor: 3 }, "'--runs cursor' begins at run 3 and ends at 5"],
    [{ runs: { kind: 'one', run: 3 } }, "'--runs 3' is another run"],
    [{ runs: { kind: 'range', first: 1, last: 6 } }, "'--runs 1 6' does not include it"],
    [{ runs: { kind: 'list', runs: [1, 2] } }, 'the list of 2 runs does not include it'],
    [{ ...all, segments: { kind: 'one', segment: 9 } }, "'--segments 9' is another segment"],
    [{ ...all, limit: 2 }, "'--limit 2' in the query cuts it off"],
  ])('is the selection: %j', async (options, reason) => {
    expect((await why({ run: 7, segment: 1 }, options)).split('\n')[1]).toBe(`not a candidate: ${reason}`);
  });

  it('is a selection that the query does not look at (C-S5)', async () => {
    const runs = { kind: 'one', run: 3 } as const;
    expect(await why({ run: 2 }, { runs }, undefined, blindQuery)).toMatchInlineSnapshot(`
      "TEST, run 2
      DST_TEST_run2pp_ana437_2024p007_v001-00000002-00000: not-selected
        '--runs 3' is another run
        attempt 1 (cupsid 1) is held since 2025-04-10 12:00:00 UTC
        job 4711.3 from submit01 on node7, by rule TEST
        last message: out of memory
      with '--runs 2' it would be:
      DST_TEST_run2pp_ana437_2024p007_v001-00000002-00000: blocked
        attempt 1 (cupsid 1) is held since 2025-04-10 12:00:00 UTC
        job 4711.3 from submit01 on node7, by rule TEST
        last message: out of memory
        to try again: --unblock-state held
      "
    `);
    const segments = { kind: 'range', first: 1, last: 2 } as const;
    expect(await why({ run: 7, segment: 0 }, { ...all, segments }, undefined, blindQuery)).toMatchInlineSnapshot(`
      "TEST, run 7, segment 0
      2 rows: 2 not-selected
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: not-selected
        '--segments 1 2' does not include it
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: not-selected
        '--segments 1 2' does not include it
      with '--runs 7' it would be:
      2 rows: 1 ready, 1 repeated
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: ready
        input /nowhere/b.evt
        input /nowhere/a.evt
      DST_TEST_run2pp_ana437_2024p007_v001-00000007-00000: repeated
        row 8: files b.evt a.evt
        row 9: files b.evt a.evt
      "
    `);
  });

  it('is the query itself', async () => {
    expect(await why({ run: 99 })).toMatchInlineSnapshot(`
      "TEST, run 99
      not a candidate: the query returns no row for it with any selection: its own conditions exclude it (see '--print-query')
      "
    `);
    expect(await why({ run: 1007, segment: 1008 })).toContain(
      "'--why' takes one run, and a segment of it; for run 1008: '--why 1008'\n",
    );
    expect(await why({ run: 7, segment: 5 })).toMatchInlineSnapshot(`
      "TEST, run 7, segment 5
      not a candidate: the query returns other segments of the run, but not this one
      "
    `);
  });
});

describe('why, where reports of the attempt were refused (C-W29)', () => {
  it('shows what was refused and why, in text and JSON, until it is resolved', async () => {
    const { status } = world.open.databases;
    const [row] = await status.query<{ id: number }>(
      sql`select id from ${sql.table(status.role, 'production_status')} where dstfile = ${testDstfile(2)}`,
    );
    const id = row?.id ?? 0;
    const detail = { kind: 'refused', report: 'stageout', reason: '--dsttype is empty' } as const;
    await recordEvents(status, [{ event: eventOf(id, 0, detail) }]);
    expect(await why({ run: 2 })).toMatch(
      /by rule TEST\n {2}its report 'stageout' was refused at [-\d]+ [:\d]+ UTC: --dsttype is empty\n {2}once that is resolved: slurp refused \d+ --resolve\n/u,
    );
    expect(JSON.parse(JSON.stringify(await findWhy(world.inputOf(all), { run: 2 })))).toMatchObject({
      refused: { [id]: [{ report: 'stageout', reason: '--dsttype is empty' }] },
    });
    await resolveRefused(status, { cupsids: [id] }, 'looked into');
    expect((await findWhy(world.inputOf(all), { run: 2 })).refused).toEqual({});
  });
});

describe('why, where the job of the attempt sent a sign of life', () => {
  it('shows the latest one, in text and JSON, until the attempt has ended', async () => {
    const { status } = world.open.databases;
    const [row] = await status.query<{ id: number }>(
      sql`select id from ${sql.table(status.role, 'production_status')} where dstfile = ${testDstfile(2)}`,
    );
    const id = row?.id ?? 0;
    const table = sql.table(status.role, 'sign_of_life');
    await status.execute(sql`
      insert into ${table} (cupsid, start, sequence, at, received_at, events, memory_bytes)
      values (${id}, 0, 7, '2025-04-10 12:00:00', now() at time zone 'utc' - interval '190 seconds', 1204, 1800000000)`);
    expect(await why({ run: 2 })).toContain(
      ', by rule TEST\n  last sign of life 3m ago: 1,204 events, 1.8 GB of memory\n',
    );
    expect(JSON.parse(JSON.stringify(await findWhy(world.inputOf(all), { run: 2 })))).toMatchObject({
      signs: { [id]: { start: 0, sequence: 7, events: 1204, memoryBytes: 1_800_000_000, diskBytes: null } },
    });
    await status.execute(sql`
      update ${sql.table(status.role, 'production_status')} set status = 'failed' where id = ${id}`);
    expect((await findWhy(world.inputOf(all), { run: 2 })).signs).toEqual({});
  });
});
