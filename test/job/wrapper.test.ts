import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { kindOf, readSpool } from '#job/spool/read-spool.ts';
import { assertPresent } from '#util/assert-present.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { environmentOf, makeJobPlace } from './job-place.ts';
import { startRecordingGateway } from './recording-gateway.ts';

import type { CommandResult } from '#util/run-command.ts';

import type { JobPlace } from './job-place.ts';
import type { RecordingGateway } from './recording-gateway.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';
let submit = '';
let out = '';
let logs = '';

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  scratch = await place.scratch(gateway.url);
  submit = mkdtempSync(join(place.root, 'submit-'));
  [out, logs] = [join(submit, 'out'), join(submit, 'logs')];
  for (const directory of [out, logs]) mkdirSync(directory);
  cpSync(join(findPackageRoot(), 'test/job/payloads'), join(submit, 'payload'), { recursive: true });
  writeFileSync(join(submit, 'raw.prdf'), 'event 1\nevent 2\n');
  for (const name of readdirSync(place.home)) rmSync(join(place.home, name));
});
afterEach(() => gateway.close());

const run = (script: string, args: readonly string[], items: string, env = {}): Promise<CommandResult> =>
  place.run(scratch, [join(place.worker, 'wrapper.sh'), script, ...args, submit, items, '7'], { env });
const kinds = (): readonly string[] => gateway.events().map(({ detail }) => detail.kind);
const write = (name: string, text: string): void => writeFileSync(join(submit, name), text, { mode: 0o755 });
const details = (kind: string): readonly unknown[] =>
  gateway
    .events()
    .map(({ detail }) => detail)
    .filter((detail) => detail.kind === kind);

test('gives the script its arguments and its environment, and ends with its status (C-W15, C-W20, C-W21)', async () => {
  write(
    'job.sh',
    'echo "$# $*"; echo "$cupsid|$userscript|$payload|$subdir|$CUPS_PRODUCTION_MODE|$ODBCINI"; ls; exit 5\n',
  );
  const result = await run('job.sh', ['a', 'b'], 'job.sh,cups.py,bachi.py,odbc.ini');
  expect(result.exitCode).toBe(5);
  const [args, environment, ...files] = result.stdout.trim().split('\n');
  expect(args).toBe(`5 a b ${submit} job.sh,cups.py,bachi.py,odbc.ini 7`);
  expect(environment).toBe(`7|job.sh|job.sh cups.py bachi.py odbc.ini|${submit}|true|`);
  expect(files).toEqual([
    'CUPS_PRODUCTION_MODE',
    ...['bachi', 'bachi.cjs', 'bachi.py'],
    'cups',
    'cups.cjs',
    'cups.py',
    'job.sh',
    'slurp-job.json',
    'slurp-token',
    expect.stringMatching(/^spool-7-0\.jsonl$/u),
    'spool-7-0.jsonl.delivered',
  ]);
  expect(details('exited')).toEqual([
    {
      kind: 'exited',
      exitCode: 5,
      node: expect.any(String),
      cpuSeconds: expect.any(Number),
      wallSeconds: expect.any(Number),
    },
  ]);
});

test('copies files, globs and directories, and nothing that is ours, secret, or the site itself (C-W20)', async () => {
  for (const directory of ['.slurp', '.slurp-site', 'dir/sub', 'with space'])
    mkdirSync(join(submit, directory), { recursive: true });
  for (const file of ['a.C', 'b.C', 'cups.py', 'odbc.ini', 'dir/x', 'dir/sub/odbc.ini', 'dir/sub/y', 'with space/z'])
    write(file, file);
  write('job.sh', 'find . -type f | sort; cmp cups.py "$0" && echo "old cups.py"\n');
  const result = await run('job.sh', [], '*.C,dir/,./cups.py,odbc.ini,with space,job.sh,.slurp/,init.sh, ');
  expect(result.exitCode).toBe(1);
  expect(result.stdout.split('\n').filter((line) => !/cups|bachi|CUPS|slurp-|spool/u.test(line))).toEqual([
    './a.C',
    './b.C',
    './dir/sub/y',
    './dir/x',
    './job.sh',
    './with space/z',
    '',
  ]);
  expect(result.stderr.match(/odbc\.ini is not staged/gu)).toHaveLength(1);
});

test('copies a link that leads nowhere as a link, and what others lead to (C-W20)', async () => {
  write('a.C', 'a');
  for (const [target, link] of [
    ['nowhere', 'dangling'],
    ['a.C', 'b.C'],
    ['gone', 'first'],
  ] as const)
    symlinkSync(target, join(submit, link));
  write('job.sh', 'find . -maxdepth 1 -type l | sort; cat b.C; echo; readlink dangling\n');
  expect(await run('job.sh', [], '*')).toMatchObject({ stdout: './dangling\n./first\na\nnowhere\n', exitCode: 0 });
  expect(await run('job.sh', [], 'first,a.C,b.C,dangling,job.sh')).toMatchObject({ exitCode: 0 });
});

test('says which item is missing, and ends before the script (C-W16)', async () => {
  write('job.sh', 'echo ran\n');
  const result = await run('job.sh', [], 'job.sh,nothing.C,*.none,cups.py');
  expect(result).toMatchObject({ exitCode: 22, stdout: '' });
  expect(result.stderr).toContain(`wrapper: 'nothing.C' does not exist in '${submit}'`);
  expect(details('message')).toEqual([
    { kind: 'message', text: 'Payload cannot be staged: nothing.C *.none', flag: 1 },
  ]);
  expect(details('exited')).toMatchObject([{ exitCode: 22 }]);
});

test('says that the script is missing', async () => {
  const result = await run('job.sh', [], 'raw.prdf');
  expect(result.exitCode).toBe(23);
  expect(details('message')).toEqual([{ kind: 'message', text: "User script 'job.sh' is missing", flag: 1 }]);
});

test('sources the site setup with the build, by position or by name (C-W19)', async () => {
  write(
    'setup.sh',
    'export BUILD=$2 LD_LIBRARY_PATH=/nowhere NODE_OPTIONS=--nonsense PATH=/usr/bin:/bin\nset -- gone\n',
  );
  write('job.sh', 'echo "$BUILD $2"; cups.py -r 1 -s 1 -d D running\n');
  scratch = await place.scratch(gateway.url, { setupScript: join(submit, 'setup.sh'), mode: 'testbed' });
  const args = ['1', '2', '3', '4', '5', '6', 'ana.437'];
  expect((await run('job.sh', args, 'job.sh')).stdout).toBe('ana.437 2\n');
  expect(kinds()).toEqual(['started', 'running', 'exited']);
  expect(existsSync(join(scratch, 'CUPS_TESTBED_MODE'))).toBe(true);
  scratch = await place.scratch(gateway.url, { setupScript: join(submit, 'setup.sh') });
  expect((await run('job.sh', args, 'job.sh', { SLURP_BUILD: 'new' })).stdout).toBe('new 2\n');
});

test('does not run the script of a job that is not wanted', async () => {
  write('job.sh', 'echo ran\n');
  gateway.mood.verdict = { go: false, reason: 'retired: unblocked' };
  const result = await run('job.sh', [], 'job.sh');
  expect(result).toMatchObject({ exitCode: 24, stdout: '' });
  expect(result.stderr).toContain('cups: this job is no longer needed and ends now: retired: unblocked\n');
  expect(kinds()).toEqual(['started']);
});

test('ends a job that learns later that it is not wanted, also when its script ignores signals', async () => {
  write('job.sh', "trap 'echo trapped' TERM\ncups.py -r 1 -s 1 -d D started\necho went on; sleep 20; sleep 20\n");
  gateway.mood.status = 503;
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 300 });
  const running = run('job.sh', [], 'job.sh', { SLURP_GRACE_SECONDS: '1' });
  await waitUntil(() => (gateway.requests.length > 0 ? true : undefined), { timeoutMs: 25_000 });
  await waitUntil(() => (existsSync(join(scratch, 'job.sh')) ? true : undefined), { timeoutMs: 25_000 });
  gateway.mood.verdict = { go: false, reason: 'retired' };
  delete gateway.mood.status;
  const result = await running;
  expect(result.exitCode).toBe(24);
  expect(result.stdout).toContain('trapped\n');
  expect(kinds()).not.toContain('exited');
});

test('brings the spool home when the gateway is away, and again nothing when it is back', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 200 });
  write('job.sh', './cups.py -r 1 -s 1 -d D running\n./cups.py -r 1 -s 1 -d D finished -e 0\n');
  await gateway.close();
  const result = await run('job.sh', [], 'job.sh');
  expect(result.exitCode).toBe(0);
  expect(readdirSync(place.home)).toEqual(['spool-7-0.jsonl']);
  const { records, header } = readSpool(join(place.home, 'spool-7-0.jsonl'));
  expect(header?.cupsid).toBe(7);
  expect(records).toHaveLength(4);
  await gateway.open();
  rmSync(join(place.home, 'spool-7-0.jsonl'));
  scratch = await place.scratch(gateway.url);
  expect((await run('job.sh', [], 'job.sh')).exitCode).toBe(0);
  expect(readdirSync(place.home)).toEqual([]);
  expect(kinds()).toEqual(['started', 'running', 'finished', 'exited']);
  expect(existsSync(join(scratch, 'spool-7-0.jsonl.told'))).toBe(true);
});

test('a later start waits for the gateway: an earlier one may have finished the work (C-W30)', async () => {
  write('job.sh', 'echo ran\n');
  gateway.mood.status = 503;
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 100, inputsTimeoutMs: 60_000 });
  const running = run('job.sh', [], 'job.sh', { SLURP_START: '1' });
  await waitUntil(() => (gateway.requests.length > 1 ? true : undefined), { timeoutMs: 25_000 });
  gateway.mood.verdict = { go: false, reason: 'already finished' };
  delete gateway.mood.status;
  const result = await running;
  expect(result).toMatchObject({ exitCode: 24, stdout: '' });
  expect(result.stderr).toMatch(
    /cups: the job was started before and may have finished: waiting up to 60 s for the gateway \(.*not in the mood.*\)\n/u,
  );
  expect(kinds()).toEqual(['started']);
});

test('a signal ends the waiting of a later start, and the job is evicted (C-W30)', async () => {
  write('job.sh', 'touch ran\n');
  await gateway.close();
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 100, inputsTimeoutMs: 600_000 });
  const job = start('job.sh', [], 'job.sh', { SLURP_START: '1' });
  await waitUntil(() => (existsSync(join(scratch, 'spool-7-1.jsonl')) ? true : undefined), { timeoutMs: 25_000 });
  process.kill(job.pid, 'SIGTERM');
  expect(await job.ended).toBe(143);
  expect(existsSync(join(scratch, 'ran'))).toBe(false);
  const { records } = readSpool(join(place.home, 'spool-7-1.jsonl'));
  expect(records.map((record) => kindOf(record))).toEqual(['started', 'evicted']);
});

/** Starts a wrapped job as a batch system does: in a session of its own. */
function start(
  script: string,
  args: readonly string[],
  items: string,
  env = {},
): { pid: number; ended: Promise<number | null> } {
  const child = spawn(join(place.worker, 'wrapper.sh'), [script, ...args, submit, items, '7'], {
    cwd: scratch,
    detached: true,
    stdio: 'ignore',
    env: environmentOf(scratch, place.worker, env),
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return { pid: assertPresent(child.pid, 'a process id'), ended };
}

const here = (name: string): Promise<true | undefined> =>
  waitUntil(() => (existsSync(join(scratch, name)) ? true : undefined), { timeoutMs: 20_000 });

const calo = (): readonly string[] => [
  '0',
  'DST_CALO_run2pp_new_2024p007',
  'DST_CALO_run2pp_new_2024p007-00053534-00000',
  '53534',
  '0',
  out,
  'new',
  '2024p007',
  join(submit, 'raw.prdf'),
  'dbranges',
  '1000',
  `file://${logs}`,
  out,
];

test('passes TERM on at once; logs are moved, half a product is not staged out, and the end is an eviction (C-W17, C-W18)', async () => {
  writeFileSync(join(submit, 'slow'), '');
  cpSync(join(submit, 'payload'), submit, { recursive: true });
  const { pid, ended } = start('calo.sh', calo(), 'calo.sh,macro.sh,stageout.sh,slow');
  await here('begun');
  const begin = performance.now();
  process.kill(pid, 'SIGTERM');
  await ended;
  expect(performance.now() - begin).toBeLessThan(11_000);
  expect(readdirSync(out)).toEqual([]);
  expect(readdirSync(logs)).toContain('DST_CALO_run2pp_new_2024p007-00053534-00000.out');
  expect(kinds()).not.toContain('finished');
  expect(details('evicted')).toEqual([{ kind: 'evicted', reason: 'Stopped by TERM' }]);
  expect(details('message')).toContainEqual({
    kind: 'message',
    text: 'Stopped by TERM; the script ended with exit code 255',
  });
});

test('reports the signals that have a name among the errors, and leaves nothing running', async () => {
  write('job.sh', "trap 'touch usr1' USR1\ntrap '' TERM INT\n(trap '' TERM; touch begun; sleep 77.7) &\nwait; wait\n");
  const { pid, ended } = start('job.sh', [], 'job.sh', { SLURP_GRACE_SECONDS: '1' });
  await here('begun');
  process.kill(pid, 'SIGUSR1');
  await here('usr1');
  process.kill(pid, 'SIGINT');
  await ended;
  expect(details('message')).toEqual([
    { kind: 'message', text: 'SIGUSR1', flag: 2 ** 20 },
    { kind: 'message', text: 'SIGINT', flag: 2 ** 17 },
  ]);
  expect(details('evicted')).toEqual([{ kind: 'evicted', reason: 'Stopped by INT' }]);
  const processes = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  const left = processes.filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('77.7');
    } catch {
      return false;
    }
  });
  expect(left).toEqual([]);
});

test('gives what a script leaves in the background time to write its last lines', async () => {
  write('job.sh', '#!/bin/bash\nexec > >(sleep 0.3; cat > log.txt)\necho last words\n');
  expect((await run('job.sh', [], 'job.sh')).exitCode).toBe(0);
  expect(readFileSync(join(scratch, 'log.txt'), 'utf8')).toBe('last words\n');
});

test('names the conditions database of the payload', async () => {
  for (const name of ['sPHENIX_newcdb.json', 'sPHENIX_newcdb_test.json']) write(name, '{}');
  write('job.sh', 'echo $NOPAYLOADCLIENT_CONF\n');
  const result = await run('job.sh', [], 'job.sh,sPHENIX_*');
  expect(result.stdout).toBe(`${join(scratch, 'sPHENIX_newcdb_test.json')}\n`);
});

test.each([
  [[], 'Too few arguments (0)', 2],
  [['job.sh', '/nowhere', 'job.sh', '7'], "'job.sh' does not exist in '/nowhere'", 22],
])('says what is wrong with the arguments %j', async (args, words, code) => {
  const result = await place.run(scratch, [join(place.worker, 'wrapper.sh'), ...args]);
  expect(result.exitCode).toBe(code);
  expect(result.stderr).toContain(words);
});

test('says that the batch system brought no job file', async () => {
  rmSync(join(scratch, 'slurp-job.json'));
  write('job.sh', 'echo ran\n');
  expect(await run('job.sh', [], 'job.sh')).toMatchObject({ exitCode: 3, stdout: '' });
});

// Scripts in the style of each family of payloads, unmodified.

const product = 'DST_STREAMING_EVENT_run2pp_new_2024p007';

test('runs a streaming event builder', async () => {
  gateway.mood.inputs = [join(submit, 'GL1_physics_gl1daq-00053534-0000.evt')];
  writeFileSync(gateway.mood.inputs[0] ?? '', 'event\nevent\n');
  const args = [
    '0',
    product,
    `${product}-00053534-00000`,
    '53534',
    '0',
    out,
    'new',
    '2024p007',
    'dbinput',
    'dbranges',
    '1000',
    `file://${logs}`,
    'none',
    out,
  ];
  const result = await run('streaming.sh', args, 'payload/*,cups.py,bachi.py,odbc.ini');
  expect(result.exitCode).toBe(0);
  expect(readdirSync(out).toSorted()).toEqual([
    `${product}-00053534-00000.root`,
    `${product}-00053534-00001.root`,
    'HIST_QA_run2pp_new_2024p007-00053534-00000.root',
  ]);
  expect(kinds()).toEqual([
    'started',
    'started',
    'inputs',
    'running',
    'stageout',
    'stageout',
    'finished',
    'message',
    'exited',
  ]);
  expect(details('stageout')[0]).toMatchObject({
    nevents: 2,
    isIncrement: true,
    file: { dsttype: 'DST_STREAMING_EVENT_run2pp', dataset: 'new_2024p007', segment: 0, run: 53534, events: 2 },
  });
  expect(details('message')).toEqual([{ kind: 'message', text: 'Normal termination', logsize: expect.any(Number) }]);
});

test('runs a calorimeter script, which stages its own files and moves its logs', async () => {
  cpSync(join(submit, 'payload'), submit, { recursive: true });
  const result = await run('calo.sh', calo(), 'calo.sh,macro.sh,stageout.sh');
  expect(result.exitCode).toBe(0);
  expect(readdirSync(out).toSorted()).toEqual([
    'DST_CALO_run2pp_new_2024p007-00053534-00000.root',
    'HIST_CALO_run2pp_new_2024p007-00053534-00000.root',
  ]);
  expect(readdirSync(logs)).toHaveLength(2);
  expect(kinds()).toEqual(['started', 'started', 'inputs', 'running', 'stageout', 'stageout', 'finished', 'exited']);
});

test('runs a triggered event builder, which ends before it stages out', async () => {
  gateway.mood.inputs = [join(submit, 'raw.prdf')];
  gateway.mood.ranges = ['0:9:raw.prdf'];
  const name = 'DST_TRIGGERED_EVENT_run2pp_new_2024p007';
  const head = [
    '0',
    name,
    `${name}-00053534-00003`,
    '53534',
    '3',
    out,
    'new',
    '2024p007',
    'dbinput',
    'dbranges',
    '1',
    `file://${logs}`,
    out,
  ];
  // This family has its event window behind the list of files, so it runs without the wrapper.
  cpSync(place.worker, scratch, { recursive: true });
  const again = await place.run(
    scratch,
    [join(submit, 'payload/trigger.sh'), ...head, submit, 'x', '0', '99', '200', '7'],
    {
      env: { PATH: `${scratch}:${join(submit, 'payload')}:/usr/bin:/bin` },
    },
  );
  expect(again.exitCode).toBe(0);
  expect(readdirSync(out)).toEqual([`${name}-00053534-00003.root`]);
  expect(kinds()).toEqual(['started', 'inputs', 'running', 'finished', 'stageout']);
});

test('runs a tracking script', async () => {
  const name = 'DST_TRKR_CLUSTER_run2pp_new_2024p007';
  const args = [
    '5',
    name,
    `${name}-00053534-00001`,
    '53534',
    '1',
    out,
    'new',
    '2024p007',
    join(submit, 'raw.prdf'),
    'r',
    `file:/${logs}`,
    out,
  ];
  expect((await run('tracking.sh', args, 'payload/tracking.sh,payload/stageout.sh')).exitCode).toBe(0);
  expect(kinds()).toEqual(['started', 'started', 'running', 'stageout', 'finished', 'exited']);
  expect(details('finished')).toEqual([{ kind: 'finished', exitCode: 0, nevents: 5 }]);
  expect(readdirSync(logs)).toHaveLength(2);
});

test('runs an old script, with cups.py from the PATH and exitcode (C-W9)', async () => {
  const args = [
    '0',
    '22026',
    '1',
    'source',
    '/raw',
    'DST_CALOR_auau23_ana387_2023p003-00022026-0001.root',
    out,
    'ana.387',
    '2023p003',
    'x',
  ];
  await run('caloreco.sh', args, 'payload/caloreco.sh');
  expect(kinds()).toEqual(['started', 'started', 'running', 'exitcode', 'exited']);
  expect(details('exitcode')).toEqual([{ kind: 'exitcode', exitCode: 1 }]);
});

test('runs a calibration, with its odd options and its renamed output (C-W9)', async () => {
  const args = [
    '0',
    '42101',
    '42103',
    '0',
    '0',
    'HST_CALO_run2pp_new_2024p001-1-2',
    'HST_CALO_run2pp_new_2024p001',
    out,
    'new',
    '2024p001',
    'x',
    'y',
  ];
  expect((await run('calibration.sh', args, 'payload/calibration.sh,payload/stageout.sh')).exitCode).toBe(0);
  expect(kinds()).toEqual(['started', 'started', 'message', 'running', 'finished', 'stageout', 'exited']);
  expect(readdirSync(out)).toEqual(['DST_MBD_run2pp_new_2024p001-00042101-00000.root']);
});
