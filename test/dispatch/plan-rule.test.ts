import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { reportPlan } from '#dispatch/report-plan.ts';
import { renderPlan, renderPlanJson } from '#reports/plan/render-plan.ts';

import { emptyWorld, makeProposals, putWorld } from '../db/decide/world.ts';
import { blindQuery, openPlanWorld, putFiles } from './plan-world.ts';
import { testDstfile } from './test-rule.ts';

import type { PlanInput } from '#dispatch/plan-rule.ts';

import type { PlanWorld } from './plan-world.ts';

let world: PlanWorld;

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
});

afterAll(() => world.close());

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

async function rendered(input: PlanInput, as: typeof renderPlan = renderPlan): Promise<string> {
  const plan = await planRule(input);
  try {
    return await textOf(as(reportPlan(plan)));
  } finally {
    await plan.close();
  }
}

const runs = { runs: { kind: 'range', first: 1, last: 99 } } as const;

describe('a plan', () => {
  beforeEach(() =>
    putWorld(world.open, {
      ...emptyWorld,
      proposals: [
        ...[1, 2, 3, 4, 5, 6].map((run) => ({ run, segment: 0, files: 'a.evt b.evt' })),
        { run: 6, segment: 0, files: 'a.evt b.evt' },
        { run: 7, segment: 0, files: 'a.evt no.evt' },
        { run: 8, segment: 0, files: 'a.evt' },
        { run: 8, segment: 0, files: 'b.evt' },
        { run: 9, segment: 0, files: '' },
        { run: 10, segment: 0, files: 'a.evt' },
        { run: 200, segment: 0, files: 'a.evt' },
      ],
      attempts: [
        { dstfile: testDstfile(2), state: 'running' },
        { dstfile: testDstfile(3), state: 'failed' },
        { dstfile: testDstfile(4), state: 'held' },
      ],
      invalid: [{ dstname: 'DST_TEST_run2pp', runs: [1, 1] }],
      datasets: [`${testDstfile(5)}.root`],
      files: ['a.evt', 'b.evt'].map((lfn) => ({ lfn, path: `/lustre/${lfn}` })),
    }),
  );

  it('is written as a funnel, then the ready jobs, then warnings', async () => {
    expect(await rendered(world.inputOf({ ...runs, unblock: ['held'] }))).toMatchInlineSnapshot(`
      "TEST: DST_TEST_run2pp_ana437_2024p007_v001
                 12  rows of the query
      -           1  rejected: they name no product
      -           1  repeated: same as an earlier row
      =          10  candidates
      -           1  in an invalid run
      -           2  blocked
                       1 running
                       1 failed
      -           1  already exist
      -           2  duplicate: different rows for one product
      -           1  missing inputs
      =           3  ready

      DST_TEST_run2pp_ana437_2024p007_v001-00000004-00000  2 inputs, replaces 3
      DST_TEST_run2pp_ana437_2024p007_v001-00000006-00000  2 inputs
      DST_TEST_run2pp_ana437_2024p007_v001-00000010-00000  1 input

      warning: 1 row left out: 'files' is null or empty, e.g. of run 9
      warning: 1 row left out: same as an earlier row
      warning: 1 candidate lacks inputs, e.g. run 7 segment 0: 'no.evt' (kaedama … --why 7 0)
      "
    `);
  });

  it('leaves out what was not asked for, whatever the query does with the conditions (C-S5)', async () => {
    const options = { runs: { kind: 'list', runs: [4, 5, 6, 10] }, segments: { kind: 'one', segment: 0 } } as const;
    expect(await rendered(world.inputOf(options, undefined, blindQuery))).toMatchInlineSnapshot(`
      "TEST: DST_TEST_run2pp_ana437_2024p007_v001
                 13  rows of the query
      -           1  repeated: same as an earlier row
      =          12  candidates
      -           8  not selected: outside --runs or --segments
      -           1  blocked
                       1 held
      -           1  already exist
      =           2  ready

      DST_TEST_run2pp_ana437_2024p007_v001-00000006-00000  2 inputs
      DST_TEST_run2pp_ana437_2024p007_v001-00000010-00000  1 input

      warning: 1 row left out: same as an earlier row
      "
    `);
    const other = { ...options, segments: { kind: 'one', segment: 1 } } as const;
    const plan = await planRule(world.inputOf(other, undefined, blindQuery));
    await plan.close();
    expect(plan.funnel.counts).toMatchObject({ 'not-selected': 13, ready: 0 });
  });

  it('says where a limit of the query leaves nothing to choose from', async () => {
    const plan = await planRule(world.inputOf({ runs: { kind: 'one', run: 10 }, limit: 5 }, undefined, blindQuery));
    await plan.close();
    expect(plan.funnel.warnings).toEqual([
      {
        kind: 'limited-before-selection',
        count: 5,
        message:
          "'--limit 5' limited the rows of the query before '--runs' or '--segments' filtered them: use '--maxjobs 5' instead",
      },
    ]);
  });

  it('says how many finished products are not in the catalog, in the funnel and in JSON (C-D18)', async () => {
    const { status } = world.open.databases;
    await status.execute(
      sql`update ${sql.table(status.role, 'production_status')} set status = 'finished' where id <= 2`,
    );
    const input = { ...world.inputOf(runs), isSurvey: true };
    const text = await rendered(input);
    expect(text).toContain('\n                 2 finished, 2 of them not in the catalog\n');
    expect(text).toContain('\nwarning: 2 finished products are not in the catalog, e.g. run 2 segment 0 (--why 2 0)\n');
    expect(JSON.parse(await rendered(input, renderPlanJson))).toMatchObject({
      funnel: {
        findings: expect.arrayContaining([
          { kind: 'not-in-catalog', count: 2, looked: 2, of: 2, example: { run: 2, segment: 0 } },
        ]),
      },
    });
    expect(await rendered(world.inputOf(runs))).not.toContain('not in the catalog');
  });

  it('is written as one JSON document', async () => {
    const document: unknown = JSON.parse(await rendered(world.inputOf(runs), renderPlanJson));
    expect(document).toMatchObject({
      rule: 'TEST',
      dstname: 'DST_TEST_run2pp_ana437_2024p007_v001',
      funnel: { rows: 12, candidates: 10, counts: { ready: 2, blocked: 3 } },
      ready: [
        { ordinal: 6, dstfile: testDstfile(6), inputs: '/lustre/a.evt,/lustre/b.evt', ranges: '', extra: {} },
        { ordinal: 12, dstfile: testDstfile(10) },
      ],
    });
    const empty = await rendered(world.inputOf({ runs: { kind: 'one', run: 999 } }), renderPlanJson);
    expect(JSON.parse(empty)).toMatchObject({ funnel: { rows: 0 }, ready: [] });
  });

  it('takes the smaller of limit and maxjobs as its cap, and 0 jobs as none (C-D16)', async () => {
    const readyFor = async (limit: number, maxJobs?: number): Promise<readonly number[]> => {
      const input = world.inputOf({ ...runs, limit });
      const plan = await planRule({ ...input, ...(maxJobs === undefined ? {} : { maxJobs }) });
      await plan.close();
      return [plan.funnel.counts.ready, plan.funnel.counts['over-limit']];
    };
    expect(await readyFor(0)).toEqual([2, 0]);
    expect(await readyFor(0, 1)).toEqual([1, 1]);
    expect(await readyFor(100, 0)).toEqual([0, 2]);
    expect(await readyFor(6, 5)).toEqual([1, 0]);
  });

  it('changes nothing in any database', async () => {
    // All roles are in one database here. With xmin and ctid, also an update that changes no value is seen.
    const content = async (): Promise<unknown> =>
      await world.open.databases.status.query(sql`select c.oid::regclass::text as name, query_to_xml(
          format('select %s t.* from %s t', case c.relkind when 'r' then 'xmin, ctid,' end, c.oid::regclass), false, true, '')::text
        from pg_class c where relkind in ('r', 'S') and relpersistence <> 't'
          and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) order by 1`);
    const before = await content();
    expect(JSON.stringify(before)).toContain(testDstfile(2));
    await rendered(world.inputOf(runs));
    expect(await content()).toEqual(before);
  });

  it('finds inputs in a direct path, the last of two equal names, and warns', async () => {
    await putFiles(world.root, ['raw/tpc/physics/a.evt', 'raw/intt/physics/a.evt', 'raw/intt/physics/b.evt']);
    const plan = await planRule(world.inputOf(runs, './raw/*/{mode}/'));
    const rows = [];
    for await (const batch of plan.readReady()) rows.push(...batch);
    await plan.close();
    expect(rows[0]?.inputs).toBe(`${world.root}/raw/tpc/physics/a.evt,${world.root}/raw/intt/physics/b.evt`);
    expect(plan.funnel.warnings.map(({ kind }) => kind)).toContain('listed-twice');
  });

  it('warns where a direct path holds nothing', async () => {
    const plan = await planRule(world.inputOf(runs, '/no/such/folder/'));
    await plan.close();
    expect(plan.funnel.warnings.at(-1)).toEqual({
      kind: 'empty-listing',
      count: 1,
      message: "No file in direct_path '/no/such/folder': the directory does not exist",
    });
  });

  it('reports a mistake in the query with its line in the rule file, and leaves no session behind', async () => {
    const input = world.inputOf(runs);
    const text = input.prepared.query.text.replace('from proposal', 'from proposals');
    const broken = { ...input, prepared: { ...input.prepared, query: { ...input.prepared.query, text } } };
    await expect(planRule(broken)).rejects.toMatchObject({
      code: 'rule-query',
      facts: { file: `${world.root}/test.yaml`, line: 20, queryLine: 2, queryColumn: 6 },
    });
  });
});

describe('a plan with rows that cannot be submitted (C-H11)', () => {
  beforeEach(() =>
    putWorld(world.open, {
      ...emptyWorld,
      proposals: [1, 2, 3, 4, 5].map((run) => ({
        ...{ run, segment: 0, files: 'a.evt' },
        ranges: run === 2 || run === 4 ? `a:0:\u001B${run}` : 'a:0:9',
      })),
      files: [{ lfn: 'a.evt', path: '/lustre/a.evt' }],
    }),
  );
  const input = (): PlanInput => world.inputOf({ ...runs, isDbinput: false });

  it('leaves them out with the reason, and the others are ready', async () => {
    const text = await rendered(input());
    expect(text).toContain('-           2  cannot be submitted\n=           3  ready\n');
    expect(text).toContain(
      "warning: 2 candidates left out because they cannot be submitted, e.g. run 2 segment 0: 'arguments' contains the control character U+001B",
    );
    expect(JSON.parse(await rendered(input(), renderPlanJson))).toMatchObject({
      funnel: { counts: { unfit: 2, ready: 3 } },
      ready: [{ run: 1 }, { run: 3 }, { run: 5 }],
    });
  });

  it('lets others take their places under a limit', async () => {
    const plan = JSON.parse(await rendered({ ...input(), maxJobs: 2 }, renderPlanJson));
    expect(plan).toMatchObject({
      funnel: { counts: { unfit: 1, ready: 2, 'over-limit': 2 } },
      ready: [{ run: 1 }, { run: 3 }],
    });
  });
});

describe('a plan with a command that is empty in some rows (C-H12)', () => {
  const input = (backend: 'htcondor' | 'local', empty: (run: number) => boolean): PlanInput => {
    const query = `select source, runnumber, segment, files, case when ${[1, 2, 3]
      .filter(empty)
      .map((run) => `runnumber = ${run}`)
      .join(' or ')} then '' else '5' end as odd
      from proposal where true {run_condition} {seg_condition} order by n {limit_condition};`;
    const made = world.inputOf(runs, undefined, query);
    const { job } = made.prepared;
    const rank = { key: 'rank', template: job.program.compile('$(odd)') };
    const htcondor = { commands: {}, schedds: [], commandTimeoutMs: 1000 };
    return {
      ...made,
      prepared: { ...made.prepared, job: { ...job, commands: [...job.commands, rank] } },
      batch: { backend, htcondor },
    };
  };
  beforeEach(() =>
    putWorld(world.open, {
      ...emptyWorld,
      proposals: [1, 2, 3].map((run) => ({ run, segment: 0, files: 'a.evt' })),
      files: [{ lfn: 'a.evt', path: '/lustre/a.evt' }],
    }),
  );

  it('leaves those rows out on HTCondor, which would use the value of another row', async () => {
    const text = await rendered(input('htcondor', (run) => run === 2));
    expect(text).toContain('-           1  cannot be submitted\n=           2  ready\n');
    expect(text).toContain("e.g. run 2 segment 0: 'rank' is empty in this row and not in others");
  });

  it('leaves nothing out where it is empty in all rows, or the batch system does not mind', async () => {
    expect(await rendered(input('htcondor', () => true))).toContain('=           3  ready\n');
    expect(await rendered(input('local', (run) => run === 2))).toContain('=           3  ready\n');
  });
});
