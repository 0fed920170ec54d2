import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { askSite } from '../util/ask-site.ts';
import { commitAll } from '../util/commit-all.ts';

const mark = randomUUID();
/** Who waits for more waits in vain. */
const patience = { timeoutMs: 120_000, everyMs: 500 };

let home: string;

async function call(name: 'kaedama' | 'slurp', args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const { exitCode, stdout, stderr } = await runCommand(join(findPackageRoot(), 'bin', name), args, { cwd: home, env });
  return { exitCode, out: stdout, err: stderr };
}

/** Between us and HTCondor: a schedd that takes no jobs. */
const refusing = {
  PATH: `${join(findPackageRoot(), 'test/faults/bin')}:${process.env['PATH']}`,
  SLURP_FAULT: 'condor_submit=refuse',
};

const dispatchWords = ['--config', 'rules.yaml', '--rule', 'HELD', '--runs', '1', '2', '--batch'];
const dispatch = (...args: readonly string[]) => call('kaedama', [...dispatchWords, ...args]);

const attemptsSchema = z.array(
  z.object({
    id: z.number(),
    run: z.number(),
    attempt_number: z.number(),
    status: z.string(),
    message: z.string().nullable(),
    hold_code: z.number().nullable(),
    exit_code: z.number().nullable(),
    is_live: z.boolean(),
    retired_reason: z.string().nullable(),
  }),
);

async function readAttempts() {
  const asked = `select id, run, attempt_number, status::text, message, hold_code, exit_code, retired_at is null as is_live,
    retired_reason from production_status order by run, attempt_number`;
  const rows = await askSite({ site: home, role: 'status', text: `select to_json(a) from (${asked}) a` });
  return attemptsSchema.parse(rows.map(([row = '']): unknown => JSON.parse(row)));
}

const attemptOf = async (run: number, attemptNumber: number) =>
  (await readAttempts()).find((row) => row.run === run && row.attempt_number === attemptNumber);

/** The jobs of this test in the queue: their attempts, and the reasons for which they are held. */
async function readQueue() {
  const { exitCode, stdout } = await runCommand('condor_q', [
    ...['-allusers', '-json', '-attributes', 'SlurpCupsid,JobStatus,HoldReason'],
    ...['-constraint', `SlurpTestRun == "${mark}"`],
  ]);
  expect(exitCode).toBe(0);
  const schema = z.array(
    z.object({ SlurpCupsid: z.number(), JobStatus: z.number(), HoldReason: z.string().nullish() }),
  );
  return schema.parse(JSON.parse(stdout.trim() === '' ? '[]' : stdout));
}

/** Holds a job as an administrator of the farm would. Condor wants the quotes escaped, and takes no line breaks (on 23.9). */
async function holdByHand(cupsid: number, reason: string): Promise<void> {
  const constraint = `SlurpTestRun == "${mark}" && SlurpCupsid == ${cupsid}`;
  await waitUntil(async () => {
    const words = ['-reason', reason.replaceAll('"', String.raw`\"`), '-constraint', constraint];
    return (await runCommand('condor_hold', words)).exitCode === 0 || undefined;
  }, patience);
  await waitUntil(
    async () => (await readQueue()).find((job) => job.SlurpCupsid === cupsid && job.JobStatus === 5),
    patience,
  );
}

/** From now on jobs that are submitted match a machine, or never do. */
const writeSite = (isMatching: boolean) =>
  writeFile(
    join(home, 'slurp.yaml'),
    `batch:
  backend: htcondor
  htcondor:
    commands:
      +SlurpTestRun: '"${mark}"'
      requirements: '${isMatching}'
      request_memory: '20'
      request_disk: '1000'
`,
  );

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-held-')));
  await mkdir(join(home, 'payload'));
  await writeFile(join(home, 'payload', 'run.sh'), '#!/bin/bash\nexit 0\n', { mode: 0o755 });
  await commitAll(join(home, 'payload'));
  await writeSite(false);
  await writeFile(
    join(home, 'rules.yaml'),
    `HELD:
  params:
    name: HELD_run2pp
    build: new
    build_name: new
    dbtag: 2024p007
    version: 0
    script: run.sh
    payload: ./payload/
    mem: 20MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: status
    lfn2pfn: lfn2lfn
    query: select 'x' as source, runnumber, 0 as segment, 'f' as files from generate_series(1, 9) as runnumber where true {run_condition}
  filesystem:
    outdir: "${home}/out"
    logdir: "${home}/log"
    histdir: "${home}/hist"
    condor: "${home}/condor"
  job:
    arguments: "$(nevents) {logbase} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`,
  );
  await call('slurp', ['up']);
});

afterAll(async () => {
  await runCommand('condor_rm', ['-constraint', `SlurpTestRun == "${mark}"`]);
  await call('slurp', ['down', '--wait', '10s']);
  await rm(home, { recursive: true });
});

/** 10 kB of three languages. */
const longReason =
  `Plattenplatz «/sphenix» erschöpft: "quota" überschritten; ディスクの割り当てを超えました; l'espace disque "dépassé". `
    .repeat(75)
    .trim();

test('a held job is marked with its reason, cleared, unblocked and done again; the old attempt stays, retired', async () => {
  expect(await dispatch()).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^HELD: 2 jobs dispatched/u) });
  const first = (await attemptOf(1, 1))?.id ?? 0;
  expect(Buffer.byteLength(longReason)).toBeGreaterThan(10_000);
  await holdByHand(first, longReason);

  expect(await dispatch('--mark-held-jobs')).toMatchObject({
    exitCode: 0,
    // On the screen a reason is short; the table has it whole.
    err: expect.stringMatching(/1 job of 'HELD' held\nkaedama: {3}\d+: Plattenplatz .{100,190}…\n/u),
  });
  expect(await attemptOf(1, 1)).toMatchObject({ status: 'held', hold_code: 1, is_live: true });
  expect((await attemptOf(1, 1))?.message).toContain(longReason);
  // Held is no reason to do it again by itself.
  expect(await readAttempts()).toHaveLength(2);

  expect(await dispatch('--clear-held-jobs')).toMatchObject({
    exitCode: 0,
    err: expect.stringContaining("1 held job of 'HELD' removed"),
  });
  expect(await attemptOf(1, 1)).toMatchObject({ status: 'failed', is_live: true });
  expect((await attemptOf(1, 1))?.message).toContain(`Cleared while held: ${longReason}`);
  expect((await readQueue()).map(({ SlurpCupsid }) => SlurpCupsid)).not.toContain(first);

  await writeSite(true);
  expect(await dispatch('-u', 'failed')).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(/^HELD: 1 job dispatched/u),
  });
  const done = await waitUntil(async () => {
    const row = await attemptOf(1, 2);
    return row !== undefined && ['finished', 'failed'].includes(row.status) ? row : undefined;
  }, patience);
  expect(done).toMatchObject({ status: 'finished', exit_code: 0, is_live: true });
  expect(await attemptOf(1, 1)).toMatchObject({
    ...{ id: first, status: 'failed', is_live: false },
    retired_reason: expect.stringMatching(/./u),
  });
});

test('are marked, cleared and unblocked in one call, or, if the submission is refused, only marked', async () => {
  const old = (await attemptOf(2, 1))?.id ?? 0;
  const reason = String.raw`"quota"; it's \full\ "`;
  await holdByHand(old, reason);

  const everything = ['--mark-held-jobs', '--clear-held-jobs', '-u', 'held'];
  // If the submission is refused, nothing of it has happened: the old job is held, and the cursor stands where it stood.
  const refused = await call('kaedama', [...dispatchWords, ...everything, '--ratchet-cursor'], {
    ...process.env,
    ...refusing,
  });
  expect(refused).toMatchObject({ exitCode: 50, err: expect.stringContaining('The batch system refused 1 job') });
  expect(await attemptOf(2, 1)).toMatchObject({ id: old, status: 'held', is_live: true });
  expect(await attemptOf(2, 2)).toMatchObject({ status: 'failed', is_live: false });
  expect(await readQueue()).toMatchObject([{ SlurpCupsid: old, JobStatus: 5 }]);
  expect(await askSite({ site: home, role: 'status', text: 'select lastrun from production_cursor' })).toEqual([['0']]);

  expect(await dispatch(...everything)).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(/^HELD: 1 job dispatched/u),
    err: expect.stringMatching(/1 job of 'HELD' held\n[^]*1 held job of 'HELD' removed/u),
  });
  await waitUntil(async () => ((await attemptOf(2, 3))?.status === 'finished' ? true : undefined), patience);
  expect(await attemptOf(2, 1)).toMatchObject({ id: old, status: 'failed', is_live: false });
  expect((await attemptOf(2, 1))?.message).toContain(`Cleared while held: ${reason}`);
  expect(await attemptOf(2, 4)).toBeUndefined();
  await waitUntil(async () => ((await readQueue()).length === 0 ? true : undefined), patience);
});
