import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { kindOf, readSpool } from '#job/spool/read-spool.ts';
import { assertPresent } from '#util/assert-present.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { environmentOf, makeJobPlace } from './job-place.ts';
import { payloadCalls } from './payload-calls.ts';
import { startRecordingGateway } from './recording-gateway.ts';

import type { CommandResult } from '#util/run-command.ts';

import type { JobPlace } from './job-place.ts';
import type { PayloadPlaces } from './payload-calls.ts';
import type { RecordingGateway } from './recording-gateway.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';
let rule = '';

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  rule = mkdtempSync(join(place.root, 'rule-'));
  scratch = await place.scratch(gateway.url);
  for (const name of readdirSync(place.home)) rmSync(join(place.home, name));
});
afterEach(() => gateway.close());

const launcher = (): string => join(place.worker, 'slurp-launch.sh');
const kinds = (): readonly string[] => gateway.events().map(({ detail }) => detail.kind);
const details = (kind: string): readonly unknown[] =>
  gateway
    .events()
    .map(({ detail }) => detail)
    .filter((detail) => detail.kind === kind);

/** Writes a program of a rule, and brings it to the job as a batch system does; not executable. */
function bring(text: string, name = 'run.sh'): string {
  const program = join(rule, name);
  writeFileSync(program, text, { mode: 0o644 });
  copyFileSync(program, join(scratch, 'slurp-program'));
  return name;
}

const launch = (program: string, words: readonly string[] = [], env = {}): Promise<CommandResult> =>
  place.run(scratch, [launcher(), ...words], { env: { ...env, SLURP_PROGRAM: program } });

/** Starts a job as a batch system does: in a session of its own. */
function start(program: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(launcher(), [], {
    cwd: scratch,
    detached: true,
    stdio: 'ignore',
    env: environmentOf(scratch, place.worker, { ...env, SLURP_PROGRAM: program }),
  });
  const ended = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(String(code ?? signal)));
  });
  return { pid: assertPresent(child.pid, 'a process id'), ended };
}

const here = (name: string): Promise<true | undefined> =>
  waitUntil(() => (existsSync(join(scratch, name)) ? true : undefined), { timeoutMs: 20_000 });

// Not `readlink | sed`: beside a pipeline, this shell may still hold the ends of its pipes.
const looker = `#!/bin/bash -p
printf '%s|' "$@"; echo "$0 $PWD"
readlink /proc/$$/fd/* > descriptors
sed 's/\\[.*//' descriptors | sort -u
echo to stderr >&2
while IFS= read -r -d '' entry; do printf '%s\\n' "$entry"; done < /proc/$$/environ | sort > environment
`;

test('gives a program its arguments, directory, environment and streams as if it were not there (C-L1, C-L2)', async () => {
  writeFileSync(join(rule, 'noise.sh'), 'echo noise; export NOISE=1; cd /\n');
  const env = {
    ...{
      BASH_ENV: join(rule, 'noise.sh'),
      'BASH_FUNC_module%%': '() { :; }',
      SHELLOPTS: 'errexit',
      _CONDOR_X: 'a=b c',
    },
    ...{ 'dotted.name': 'kept', EMPTY: '', LINES_: 'one\ntwo' },
  };
  const words = ["it's", '"quoted"', '$HOME', '*', 'back\\slash', '', ' two words ', 'größer', '-n', '--'];
  bring(looker);
  copyFileSync(join(scratch, 'slurp-program'), join(scratch, 'direct.sh'));
  chmodSync(join(scratch, 'direct.sh'), 0o755);
  const direct = await place.run(scratch, [join(scratch, 'direct.sh'), ...words], { env });
  const before = readFileSync(join(scratch, 'environment'), 'utf8').split('\n');
  const launched = await launch('run.sh', words, env);
  expect(launched).toMatchObject({ exitCode: 0, stderr: 'to stderr\n' });
  expect(launched.stdout).toBe(direct.stdout.replaceAll('direct.sh', 'run.sh'));
  const after = readFileSync(join(scratch, 'environment'), 'utf8').split('\n');
  expect(after.filter((line) => !line.startsWith('SLURP_'))).toEqual(
    before.filter((line) => !line.startsWith('SLURP_')),
  );
  expect(after.filter((line) => line.startsWith('SLURP_')).map((line) => line.replace(/=.*/u, ''))).toEqual([
    'SLURP_JOB_DIRECTORY',
    'SLURP_LIBRARY_PATH',
    'SLURP_NODE',
    'SLURP_PROCESS_GROUP',
    'SLURP_START',
    'SLURP_WRAPPER_PROCESS',
  ]);
  expect(kinds()).toEqual(['started', 'exited']);
});

test('hands its standard input on', async () => {
  bring('#!/bin/sh\ncat\n');
  writeFileSync(join(scratch, 'input'), 'what the rule gives\n');
  const result = await place.run(scratch, ['sh', '-c', `exec '${launcher()}' < input`], {
    env: { SLURP_PROGRAM: 'run.sh' },
  });
  expect(result).toMatchObject({ exitCode: 0, stdout: 'what the rule gives\n', stderr: '' });
});

test.each([
  ['exit 0', '0', undefined],
  ['exit 5', '5', undefined],
  ['exit 139', '139', 'SIGSEGV'],
  ['kill -SEGV $$', 'SIGSEGV', 'SIGSEGV'],
  ['kill -KILL $$', 'SIGKILL', 'SIGKILL'],
])('ends as the program does: %s (C-L2)', async (end, expected, signalName) => {
  bring(`#!/bin/bash\n${end}\n`);
  expect(await start('run.sh').ended).toBe(expected);
  const signal = signalName === undefined ? {} : { signal: signalName };
  expect(details('exited')).toMatchObject([{ kind: 'exited', ...signal, wallSeconds: expect.any(Number) }]);
});

test('adds nothing to the log of a job that a signal ended', async () => {
  bring('#!/bin/bash\nkill -SEGV $$\n');
  expect(await launch('run.sh')).toMatchObject({ stdout: '', stderr: '' });
});

test('runs a program whose name is one of ours, or of another file that is there (C-L3)', async () => {
  const text = '#!/bin/bash\necho "ran ${0##*/}"; ./cups.py -r 1 -s 1 -d D running\n';
  for (const name of ['cups.py', 'wrapper.sh', 'slurp-launch.sh', 'constants.txt']) {
    scratch = await place.scratch(gateway.url);
    cpSync(place.worker, scratch, { recursive: true });
    writeFileSync(join(scratch, 'constants.txt'), '42\n');
    bring(text, name);
    expect(await launch(name)).toMatchObject({ exitCode: 0, stdout: 'ran slurp-program\n', stderr: '' });
    expect(readFileSync(join(scratch, 'constants.txt'), 'utf8')).toBe('42\n');
  }
  expect(details('running')).toHaveLength(4);
  scratch = await place.scratch(gateway.url);
  bring(text);
  // The payload's directory came along, and the program with it.
  copyFileSync(join(rule, 'run.sh'), join(scratch, 'run.sh'));
  expect(await launch('run.sh')).toMatchObject({ exitCode: 0, stdout: 'ran run.sh\n' });
});

test('starts a program in its place, by any path', async () => {
  mkdirSync(join(rule, 'a=b c'));
  const program = join(rule, 'a=b c/run.sh');
  writeFileSync(program, '#!/bin/sh\necho "$0|$1"\n', { mode: 0o755 });
  expect(await launch(program, ['x y'])).toMatchObject({ exitCode: 0, stdout: `${program}|x y\n`, stderr: '' });
  expect(readdirSync(scratch)).not.toContain('run.sh');
});

test('reports why a program cannot be started (C-L3)', async () => {
  writeFileSync(join(rule, 'plain.sh'), '#!/bin/sh\n', { mode: 0o644 });
  const plain = await launch(join(rule, 'plain.sh'));
  expect(plain).toMatchObject({ exitCode: 23, stdout: '' });
  expect(plain.stderr).toMatch(/^launcher: The program '.*\/plain\.sh' on .* is not executable: chmod \+x, or/u);
  expect((await launch(join(rule, 'nothing.sh'))).stderr).toMatch(
    /^launcher: Program '.*\/nothing\.sh' does not exist on /u,
  );
  bring('#!/bin/bash\r\necho ran\r\n');
  expect((await launch('run.sh')).stderr).toMatch(
    /^launcher: The program 'run\.sh' begins with '#!\/bin\/bash\r', which /u,
  );
  expect(details('message')).toMatchObject([{ flag: 1 }, { flag: 1 }, { flag: 1 }]);
  expect(details('exited')).toMatchObject([{ exitCode: 23 }]);
});

test('does not run the program of a job that is not wanted', async () => {
  gateway.mood.verdict = { go: false, reason: 'retired: unblocked' };
  bring('#!/bin/sh\necho ran\n');
  expect(await launch('run.sh')).toMatchObject({
    exitCode: 24,
    stdout: '',
    stderr: 'cups: this job is no longer needed and ends now: retired: unblocked\n',
  });
  expect(kinds()).toEqual(['started']);
});

test('a later start does not run the program before the gateway has said that it may (C-W30)', async () => {
  gateway.mood.status = 503;
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 100, inputsTimeoutMs: 60_000 });
  bring('#!/bin/sh\necho ran\n');
  const running = launch('run.sh', [], { SLURP_START: '2' });
  await waitUntil(() => (gateway.requests.length > 2 ? true : undefined), { timeoutMs: 25_000 });
  delete gateway.mood.status;
  expect(await running).toMatchObject({ exitCode: 0, stdout: 'ran\n', stderr: '' });
  expect(gateway.events()[0]).toMatchObject({ start: 2, detail: { kind: 'started' } });
});

test('runs a program all the same where nothing can be reported (C-L2)', async () => {
  bring('#!/bin/sh\necho ran; exit 4\n');
  const result = await launch('run.sh', [], { SLURP_NODE: '/nowhere/node' });
  expect(result).toMatchObject({ exitCode: 4, stdout: 'ran\n' });
  expect(result.stderr).toContain('launcher: the program runs without supervision (exit code 25 of ');
});

test('leaves no old copy of our commands in the way, and none to be written over', async () => {
  bring('#!/bin/bash\ncp "$1" . 2> copied; ./cups.py -r 1 -s 1 -d D running\n');
  cpSync(place.worker, scratch, { recursive: true });
  writeFileSync(join(rule, 'cups.py'), '#!/bin/sh\necho old\n', { mode: 0o755 });
  // root is not bound by permissions.
  const result = await place.run(scratch, [join(scratch, 'slurp-launch.sh'), join(rule, 'cups.py')], {
    env: { SLURP_PROGRAM: 'run.sh' },
  });
  const isRoot = process.getuid?.() === 0;
  expect(result).toMatchObject({ exitCode: 0, stdout: isRoot ? 'old\n' : '' });
  expect(isRoot || kinds().includes('running')).toBe(true);
});

test.each(['TERM', 'QUIT', 'USR1'])(
  'passes %s on to all that the program started, which ends an evicted job',
  async (signal) => {
    writeFileSync(join(scratch, 'ad'), 'JobStatus = 2\nKillSig = "SIGUSR1"\nHoldKillSig = "nonsense"\n');
    bring(
      `#!/bin/bash\ntrap './cups.py -r 1 -s 1 -d D finished -e 255; exit 9' ${signal}\n` +
        `(trap 'touch child; exit' ${signal}; touch begun; while :; do sleep 0.1; done) &\nwait\n`,
    );
    const { pid, ended } = start('run.sh', { _CONDOR_JOB_AD: join(scratch, 'ad') });
    await here('begun');
    process.kill(pid, `SIG${signal}` as const);
    expect(await ended).toBe('9');
    expect(existsSync(join(scratch, 'child'))).toBe(true);
    expect(details('evicted')).toEqual([{ kind: 'evicted', reason: `Stopped by ${signal}` }]);
    expect(kinds()).not.toContain('finished');
    expect(details('message')).toContainEqual({
      kind: 'message',
      text: `Stopped by ${signal}; the script ended with exit code 255`,
    });
  },
);

test('ends a program that does not end by itself when its job is not wanted any more, or when it is signalled', async () => {
  bring(`#!/bin/bash\ntrap 'touch trapped' TERM\ntouch begun\nwhile :; do sleep 0.1; done\n`);
  const { pid, ended } = start('run.sh', { SLURP_GRACE_SECONDS: '1' });
  await here('begun');
  process.kill(pid, 'SIGTERM');
  expect(await ended).toBe('137');
  expect(existsSync(join(scratch, 'trapped'))).toBe(true);
  expect(details('evicted')).toHaveLength(1);
});

test('copies the spool to the site silently when the gateway is away', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 200 });
  bring('#!/bin/sh\n./cups.py -r 1 -s 1 -d D running\n./cups.py -r 1 -s 1 -d D finished -e 0\n');
  await gateway.close();
  expect(await launch('run.sh')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  expect(readdirSync(place.home)).toEqual(['spool-7-0.jsonl']);
  expect(readSpool(join(place.home, 'spool-7-0.jsonl')).records.map(kindOf)).toEqual([
    'started',
    'running',
    'finished',
    'exited',
  ]);
  expect(readdirSync(scratch).filter((name) => /^spool-.*\.jsonl$/u.test(name))).toEqual([]);
  await gateway.open();
});

test('reports where spools are that could not be copied to the site', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 200, spoolDirectory: '/nowhere' });
  bring('#!/bin/sh\n');
  await gateway.close();
  expect((await launch('run.sh')).stderr).toMatch(
    /^cups: connect ECONNREFUSED .*\ncups: the spool could not be copied home: /u,
  );
  await gateway.open();
});

// Scripts in the style of each family of payloads: committed with mode 0644, the executable of their rule, with the lists
// of inputs as arguments; and the gateway is away from the moment that the first output is to be staged out.

test.each(Object.keys(payloadCalls))("loses nothing of '%s' when the gateway goes away at its end", async (family) => {
  const call = payloadCalls[family];
  if (call === undefined) throw new Error(`No family '${family}'`);
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 300, inputsTimeoutMs: 300 });
  const places: PayloadPlaces = { out: join(rule, 'out'), logs: join(rule, 'logs'), submit: join(rule, 'submit') };
  for (const directory of Object.values(places)) mkdirSync(directory);
  cpSync(join(findPackageRoot(), 'test/job/payloads'), places.submit, { recursive: true });
  cpSync(join(findPackageRoot(), 'test/job/payloads'), scratch, { recursive: true });
  for (const name of ['raw.prdf', 'GL1_physics_gl1daq-00053534-0000.evt']) {
    writeFileSync(join(places.submit, name), 'event 1\nevent 2\n');
  }
  gateway.mood.inputs = [join(places.submit, 'raw.prdf')];
  gateway.mood.ranges = ['0:9:raw.prdf'];
  const script = join(scratch, call.script);
  chmodSync(script, 0o644);
  copyFileSync(script, join(scratch, 'slurp-program'));
  rmSync(script);
  // Called by 'running', which every family reports before its program begins.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:.' };
  const launched = launch(call.script, call.words(places), env);
  await waitUntil(() => (kinds().includes('running') ? true : undefined), { timeoutMs: 20_000 });
  await gateway.close();
  expect((await launched).exitCode).toBe(call.exitCode);
  const home = readdirSync(place.home);
  expect(home).toEqual(['spool-7-0.jsonl']);
  const { records } = readSpool(join(place.home, 'spool-7-0.jsonl'));
  expect(records.map(kindOf)).toEqual(call.kinds);
  expect(readdirSync(places.out).toSorted()).toEqual(call.files);
  await gateway.open();
});
