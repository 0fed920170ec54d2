import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { prepareRule } from '#rules/prepare-rule.ts';

import { valueOf } from '../batch/contract.ts';
import { silentLog } from '../util/silent-log.ts';
import {
  clearAttempts,
  openDispatchWorld,
  openReady,
  prepareTestRule,
  readAttempts,
  readSubmissions,
} from './dispatch-world.ts';
import { prepareTestRuleOf } from './test-rule.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Applied, ApplyInput } from '#dispatch/apply-plan.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { DispatchWorld } from './dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());
beforeEach(() => clearAttempts(world.status));

async function apply(
  runs: readonly number[],
  input: Partial<ApplyInput> = {},
  replaces?: ReadonlyMap<number, number>,
): Promise<Applied> {
  const session = await openReady(world.status, runs, replaces);
  try {
    return await applyPlan({
      ...{ session, ready: runs.length, gatewayUrl: 'http://127.0.0.1:1', log: silentLog },
      ...{ status: world.status, site: world.site, backend: world.backend, payload: world.payload },
      ...{ prepared: prepareTestRule(world.root), workerDirectory: world.workerDirectory },
      ...input,
    });
  } finally {
    await session.close();
  }
}

test('submits every ready row in query order, with process numbers that are in the database (C-P7)', async () => {
  const applied = await apply([30, 10, 20]);
  expect(applied).toMatchObject({ submitted: 3, lost: 0 });
  const attempts = await readAttempts(world.status);
  expect(
    attempts.map(({ run, process, status, attemptNumber, isLive }) => [run, process, status, attemptNumber, isLive]),
  ).toEqual([
    [10, 1, 'submitted', 1, true],
    [20, 2, 'submitted', 1, true],
    [30, 0, 'submitted', 1, true],
  ]);
  const [submission] = await readSubmissions(world.status);
  expect(submission).toMatchObject({ state: 'confirmed', count: 3, uuid: applied.submissions[0]?.uuid });
  const jobs = valueOf(await world.backend.queryQueue([submission?.uuid ?? '']));
  const idOf = new Map(attempts.map(({ id, process }) => [process, id]));
  expect(jobs.map(({ process, cupsid }) => [process, cupsid])).toEqual(
    [0, 1, 2].map((process) => [process, idOf.get(process)]),
  );
  expect(attempts.every(({ cluster }) => cluster === jobs[0]?.cluster)).toBe(true);
});

test('updates the statistics after many attempts were added, so that the next decision is quick', async () => {
  await world.status.execute(sql`analyze ${sql.table(world.status.role, 'production_status')}`);
  await apply(Array.from({ length: 1000 }, (_, index) => index + 1));
  const [counted] = await world.status.query<{ rows: number }>(sql`
    select reltuples::float8 as rows from pg_class
    where oid = ${sql.table(world.status.role, 'production_status').text}::regclass`);
  expect(counted?.rows).toBeGreaterThanOrEqual(1000);
});

test('hands on what the batch system remarks, each remark once', async () => {
  const backend: BatchBackend = {
    ...world.backend,
    can: { ...world.backend.can, maxJobsPerSubmission: 1 },
    submit: async (submission, items) => {
      const outcome = await world.backend.submit(submission, items);
      return outcome.kind === 'accepted' ? { ...outcome, notes: ["'odbc.ini' does not travel"] } : outcome;
    },
  };
  expect(await apply([1, 2], { backend })).toMatchObject({ submitted: 2, notes: ["'odbc.ini' does not travel"] });
  expect(await apply([3])).toMatchObject({ submitted: 1, notes: [] });
});

test('writes the row of production_status as existing readers expect it (C-P8)', async () => {
  await apply([53534]);
  const rows = await world.status.query(sql`
    select dsttype, dstname, dstfile, run, segment, nsegments, inputs, ranges, status::text, flags, nevents, rule,
           submitting is not null as submitting, submitted is not null as submitted, started,
           (select row_to_json(s)::jsonb - 'id' - 'created_at'
            from ${sql.table(world.status.role, 'production_setup')} s where s.id = prod_id) as setup
    from ${sql.table(world.status.role, 'production_status')}`);
  expect(rows).toMatchInlineSnapshot(`
    [
      {
        "dstfile": "DST_TEST_run2pp_ana437_2024p007_v001-00053534-00000",
        "dstname": "DST_TEST_run2pp_ana437_2024p007_v001",
        "dsttype": "DST_TEST_run2pp",
        "flags": 0,
        "inputs": "/data/a-53534.evt,/data/b-53534.evt",
        "nevents": 0,
        "nsegments": 0,
        "ranges": "unset",
        "rule": "TEST",
        "run": 53534,
        "segment": 0,
        "setup": {
          "build": "ana.437",
          "dbtag": "2024p007",
          "dir": "./payload/",
          "dirty": false,
          "hash": "abc1234",
          "name": "DST_TEST_run2pp",
          "payload": "ffffffffffffffffffffffffffffffffffffffff",
          "repo": "https://example.org/payload.git",
          "revision": 1,
        },
        "started": null,
        "status": "submitted",
        "submitted": true,
        "submitting": true,
      },
    ]
  `);
});

test('gives a job its finished command line, and its directory token and description', async () => {
  const { submissions } = await apply([53534]);
  const uuid = submissions[0]?.uuid ?? '';
  const [attempt] = await readAttempts(world.status);
  const item: unknown = JSON.parse(
    await readFile(join(world.site.stateDirectory, 'jobs', uuid, 'items.jsonl'), 'utf8'),
  );
  expect(item).toMatchObject({
    executable: join(world.workerDirectory, 'wrapper.sh'),
    arguments: [
      'run.sh 0 DST_TEST_run2pp_ana437_2024p007_v001 DST_TEST_run2pp_ana437_2024p007_v001-00053534-00000 53534 0',
      `${world.root}/out/00053500_00053600 ana.437 2024p007 dbinput dbranges`,
      `file://${world.root}/log/00053500_00053600 ${world.root} ./payload/* ${attempt?.id}`,
    ].join(' '),
  });
  for (const directory of ['out/00053500_00053600', 'log/00053500_00053600', 'condor']) {
    expect((await stat(join(world.root, directory))).isDirectory()).toBe(true);
  }
  const scratch = join(world.site.stateDirectory, 'submissions', uuid);
  expect((await stat(scratch)).mode & 0o777).toBe(0o700);
  expect((await stat(join(scratch, 'slurp-token'))).mode & 0o777).toBe(0o600);
  const token = (await readFile(join(scratch, 'slurp-token'), 'utf8')).trim();
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  const description = await readFile(join(scratch, 'slurp-job.json'), 'utf8');
  expect(JSON.parse(description)).toMatchObject({
    submission: uuid,
    gateway: 'http://127.0.0.1:1',
    mode: 'production',
  });
  expect(description).not.toContain(token);
});

test('leaves products alone that another dispatcher took first, and closes the gaps', async () => {
  await apply([2, 4]);
  expect(await apply([1, 2, 3, 4, 5])).toMatchObject({ submitted: 3, lost: 2 });
  const attempts = await readAttempts(world.status);
  const [, second] = await readSubmissions(world.status);
  expect(second?.count).toBe(3);
  const late = attempts.filter(({ submission }) => submission === second?.uuid);
  expect(late.map(({ run, process }) => [run, process])).toEqual([
    [1, 0],
    [3, 1],
    [5, 2],
  ]);
  expect(valueOf(await world.backend.queryQueue([second?.uuid ?? ''])).map(({ cupsid }) => cupsid)).toEqual(
    late.map(({ id }) => id),
  );
});

test('leaves no submission at all when every product is taken', async () => {
  await apply([7]);
  expect(await apply([7])).toMatchObject({ submissions: [], submitted: 0, lost: 1, notes: [] });
  expect(await readSubmissions(world.status)).toHaveLength(1);
});

test('splits what is too much for one submission', async () => {
  const applied = await apply([1, 2, 3, 4, 5], {
    backend: { ...world.backend, can: { ...world.backend.can, maxJobsPerSubmission: 2 } },
  });
  expect(applied.submissions.map(({ count }) => count)).toEqual([2, 2, 1]);
  expect((await readAttempts(world.status)).map(({ run, process }) => [run, process])).toEqual([
    [1, 0],
    [2, 1],
    [3, 0],
    [4, 1],
    [5, 0],
  ]);
});

test('retires the attempt that is replaced, and makes it live again when the batch system refuses', async () => {
  await apply([5]);
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')} set status = 'failed'`);
  const [old] = await readAttempts(world.status);
  const replaces = new Map([[5, old?.id ?? 0]]);
  const prepared = prepareTestRule(world.root, { unblock: ['failed'] });
  const refusing = {
    ...world.backend,
    submit: () => Promise.resolve({ kind: 'refused' as const, reason: 'too many jobs' }),
  };
  await expect(apply([5], { prepared, backend: refusing }, replaces)).rejects.toMatchObject({
    code: 'batch-refused',
    message: 'The batch system refused 1 job: too many jobs',
  });
  expect(await readAttempts(world.status)).toMatchObject([
    { id: old?.id, isLive: true, attemptNumber: 1, status: 'failed', retiredReason: null },
    { isLive: false, attemptNumber: 2, status: 'failed', retiredReason: 'too many jobs' },
  ]);
  expect((await readSubmissions(world.status))[1]).toMatchObject({ state: 'refused' });

  expect(await apply([5], { prepared }, replaces)).toMatchObject({ submitted: 1, lost: 0 });
  expect(await readAttempts(world.status)).toMatchObject([
    { id: old?.id, isLive: false, attemptNumber: 1, status: 'failed' },
    { isLive: false, attemptNumber: 2 },
    { isLive: true, attemptNumber: 3, status: 'submitted' },
  ]);
});

test('does not replace an attempt that is no longer in an unblocked state', async () => {
  await apply([5]);
  const [old] = await readAttempts(world.status);
  const prepared = prepareTestRule(world.root, { unblock: ['failed'] });
  expect(await apply([5], { prepared }, new Map([[5, old?.id ?? 0]]))).toMatchObject({ submitted: 0, lost: 1 });
  expect(await readAttempts(world.status)).toMatchObject([{ id: old?.id, isLive: true, status: 'submitted' }]);
});

test('leaves nothing when the directories of the first job cannot be made', async () => {
  await writeFile(join(world.root, 'a-file'), '');
  const prepared = prepareTestRule(world.root, {}, join(world.root, 'a-file'));
  await expect(apply([1, 2], { prepared })).rejects.toMatchObject({ code: 'site-directory' });
  expect(await readAttempts(world.status)).toEqual([]);
  expect(await readSubmissions(world.status)).toEqual([]);
});

test('withdraws everything when a directory further down cannot be created (C-P10)', async () => {
  await writeFile(join(world.root, 'out', '00070000_00070100'), '');
  await expect(apply([1, 70_001, 2])).rejects.toMatchObject({
    code: 'site-directory',
    complaints: [expect.stringContaining('00070000_00070100')],
  });
  const attempts = await readAttempts(world.status);
  expect(attempts.map(({ isLive, status }) => [isLive, status])).toEqual(attempts.map(() => [false, 'failed']));
  const [submission] = await readSubmissions(world.status);
  expect(submission?.state).toBe('refused');
  expect(await world.backend.findSubmissions([submission?.uuid ?? ''])).toEqual({ kind: 'answer', value: [] });
  expect(await readdir(join(world.site.stateDirectory, 'submissions'))).not.toContain(submission?.uuid);
});

test('keeps its attempts when it is not known whether the batch system has them', async () => {
  const backend = {
    ...world.backend,
    submit: () => Promise.resolve({ kind: 'unknown' as const, reason: 'no answer' }),
  };
  await expect(apply([1], { backend })).rejects.toMatchObject({ code: 'batch-unknown' });
  expect(await readAttempts(world.status)).toMatchObject([{ isLive: true, status: 'submitting' }]);
  expect(await readSubmissions(world.status)).toMatchObject([{ state: 'reserved' }]);
});

/** The test's rule with an executable of its own. */
function prepareOwnProgram(executable: string, commands: Readonly<Record<string, string>> = {}): PreparedRule {
  const { rule, options } = prepareTestRuleOf(world.root, "  input: {db: daq, query: 'select 1'}\n");
  const job = { ...rule.job, ...commands, executable };
  const preparation = prepareRule({ ...rule, job }, options);
  if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
  return preparation.prepared;
}

test("dispatches a rule's own program that is not executable, and one that only workers have, which is said (C-L3)", async () => {
  const program = join(world.root, 'own.sh');
  await writeFile(program, '#!/bin/sh\n', { mode: 0o644 });
  expect(await apply([1], { prepared: prepareOwnProgram(program) })).toMatchObject({ submitted: 1, notes: [] });
  await expect(apply([2], { prepared: prepareOwnProgram('/nowhere/own.sh') })).rejects.toMatchObject({
    code: 'site-script-missing',
    message: "The program '/nowhere/own.sh' is missing",
  });
  const inPlace = { transfer_executable: 'false' };
  expect(await apply([2], { prepared: prepareOwnProgram(program, inPlace) })).toMatchObject({
    submitted: 1,
    notes: [`The program '${program}' is not executable on this machine: on workers it must be`],
  });
  expect(await apply([3], { prepared: prepareOwnProgram('/nowhere/own.sh', inPlace) })).toMatchObject({
    submitted: 1,
    notes: ["The program '/nowhere/own.sh' is not on this machine: workers must have it"],
  });
});

test.each([
  [undefined, true, true],
  [undefined, false, false],
  [true, false, true],
  [false, true, false],
])('a rule that says supervise: %s at a site that says %s is supervised: %s (C-L4)', async (rule, site, expected) => {
  const supervised: boolean[] = [];
  const backend: BatchBackend = {
    ...world.backend,
    submit: (submission, items) => {
      supervised.push(submission.isSupervised);
      expect(submission.spoolDirectory).toBe(world.site.spoolDirectory);
      return world.backend.submit(submission, items);
    },
  };
  const prepared = prepareTestRuleOf(
    world.root,
    `  input: {db: daq, query: 'select 1'}\n${rule === undefined ? '' : `  supervise: ${rule}\n`}`,
  );
  const worker = { ...world.site.worker, isSupervised: site };
  await apply([4], { backend, prepared, site: { ...world.site, worker } });
  expect(supervised).toEqual([expected]);
});

test('names the script that is missing before anything is written', async () => {
  const prepared = { ...prepareTestRule(world.root), script: 'not-there.sh' };
  await expect(apply([1], { prepared })).rejects.toMatchObject({ code: 'site-script-missing' });
  expect(await readSubmissions(world.status)).toEqual([]);
});
