import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { readSpool } from '#job/spool/read-spool.ts';
import { environmentOf, makeJobPlace, testToken } from '#test/job/job-place.ts';
import { startRecordingGateway } from '#test/job/recording-gateway.ts';
import { waitUntil } from '#util/wait-until.ts';

import type { JobPlace } from '#test/job/job-place.ts';
import type { RecordingGateway } from '#test/job/recording-gateway.ts';
import type { CommandResult } from '#util/run-command.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';
let out = '';

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  scratch = await place.scratch(gateway.url);
  out = join(scratch, '../out');
  mkdirSync(out);
});
afterEach(async () => {
  await gateway.close();
  rmSync(out, { recursive: true });
});

const who = ['-r', '53534', '-s', '0', '-d', 'DST_CALO_run2pp_new_2024p007'];
const cups = (...line: readonly string[]): Promise<CommandResult> => place.run(scratch, ['cups.py', ...who, ...line]);
const kinds = (): readonly string[] => gateway.events().map(({ detail }) => detail.kind);
const spool = (): ReturnType<typeof readSpool> => readSpool(join(scratch, 'spool-7-0.jsonl'));

test('reports what a payload reports, in order, and prints nothing', async () => {
  for (const line of [
    ['started'],
    ['running'],
    ['message', 'half way'],
    ['finished', '-e', '0', '--nevents', '5', '--inc'],
  ]) {
    expect(await cups(...line)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  }
  expect(kinds()).toEqual(['started', 'running', 'message', 'finished']);
  expect(gateway.events()[3]).toMatchObject({
    cupsid: 7,
    start: 0,
    detail: { kind: 'finished', exitCode: 0, nevents: 5, isIncrement: true },
  });
});

test('loses nothing and stops no job while the gateway is away (C-W2)', async () => {
  await gateway.close();
  expect(await cups('started')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  expect((await cups('-v', 'running')).stderr).toMatch(/^cups: not delivered yet; it is in the spool: .*ECONNREFUSED/u);
  await gateway.open();
  await cups('finished', '-e', '3');
  expect(kinds()).toEqual(['started', 'running', 'finished']);
});

test('does not wait for a gateway that does not answer', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 300 });
  gateway.mood.isSilent = true;
  // The gateway never answers: that the command ends at all is what is seen here.
  expect(await cups('running')).toMatchObject({ exitCode: 0 });
  expect(spool().records).toHaveLength(1);
});

test('a signal does not end a report (C-W13)', async () => {
  gateway.mood.isSilent = true;
  const child = spawn(join(place.worker, 'cups'), [...who, 'running'], {
    cwd: scratch,
    env: environmentOf(scratch, place.worker),
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await waitUntil(() => (gateway.requests.length > 0 ? true : undefined), { timeoutMs: 25_000, everyMs: 5 });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) child.kill(signal);
  expect(await ended).toEqual([0, null]);
  expect(spool().records).toHaveLength(1);
});

test('says it when the gateway denies access, keeps the report, and never shows the token', async () => {
  gateway.mood.status = 401;
  const result = await cups('-v', '--debug', 'running');
  expect(result).toMatchObject({
    exitCode: 0,
    stderr: 'cups: the gateway denies this job access, its reports stay in the spool: not in the mood (status 401)\n',
  });
  expect(spool().records).toHaveLength(1);
  expect(readFileSync(join(scratch, 'spool-7-0.jsonl'), 'utf8')).not.toContain(testToken);
  expect((await cups('-v', 'info')).stdout).not.toContain(testToken);
});

test('keeps all of ten calls at the same moment', async () => {
  await Promise.all(Array.from({ length: 10 }, (_, index) => cups('message', `m${index}`)));
  await cups('message', 'last');
  const inSpool = spool().records.map(({ sequence }) => sequence);
  expect(
    gateway
      .events()
      .map(({ sequence }) => sequence)
      .toSorted((a, b) => a - b),
  ).toEqual(inSpool);
  expect(inSpool).toHaveLength(11);
});

test('ends with a message, and not with 0, where the job is not known (C-W3)', async () => {
  const result = await place.run(scratch, ['cups', ...who, 'started'], { env: { cupsid: '' } });
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(result.stderr).toMatch(/^cups: The job number is unknown: cupsid is not set\n/u);
});

test('reports only into the spool where the batch system brought no job file, and warns', async () => {
  rmSync(join(scratch, 'slurp-job.json'));
  const result = await cups('running');
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain("has no readable 'slurp-job.json'");
  expect(spool().records).toHaveLength(1);
});

test('finds the job from below its directory, without the environment', async () => {
  mkdirSync(join(scratch, 'deep/down'), { recursive: true });
  const result = await place.run(scratch, ['../../../worker/cups', ...who, 'running'], {
    cwd: join(scratch, 'deep/down'),
    env: { SLURP_JOB_DIRECTORY: '' },
  });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(kinds()).toEqual(['running']);
});

test('prints inputs and ranges, one a line, and nothing else', async () => {
  gateway.mood.inputs = ['/a/b.root', '/c.root'];
  gateway.mood.ranges = ['b:0:9'];
  expect(await cups('getinputs')).toMatchObject({ exitCode: 0, stdout: '/a/b.root\n/c.root\n', stderr: '' });
  expect(await cups('getranges')).toMatchObject({ exitCode: 0, stdout: 'b:0:9\n', stderr: '' });
  expect(gateway.requests[0]?.path).toBe('/v1/attempts/7/inputs?start=0');
});

test('waits for the gateway before it prints inputs', async () => {
  gateway.mood.status = 503;
  gateway.mood.inputs = ['/a.root'];
  const printing = cups('getinputs');
  await waitUntil(() => (gateway.requests.length > 0 ? true : undefined), { timeoutMs: 25_000 });
  delete gateway.mood.status;
  const result = await printing;
  expect(result).toMatchObject({ exitCode: 0, stdout: '/a.root\n' });
  expect(result.stderr).toBe('cups: waiting for the gateway (not in the mood (status 503)), up to 5 s\n');
});

test('prints nothing and ends with 20 when the gateway stays away, with 21 when it refuses', async () => {
  scratch = await place.scratch(gateway.url, { inputsTimeoutMs: 600 });
  gateway.mood.status = 503;
  expect(await cups('getinputs')).toMatchObject({ exitCode: 20, stdout: '' });
  gateway.mood.status = 403;
  const result = await cups('getinputs');
  expect(result).toMatchObject({ exitCode: 21, stdout: '' });
  expect(result.stderr).toBe(
    "cups: The gateway does not give the inputs of cupsid '7': not in the mood (status 403)\n" +
      "  Check whether the attempt was retired, and whether the job has its own 'slurp-token'\n",
  );
});

test('ends the process group that it was given when the job is not wanted, after it said why (C-W14)', async () => {
  gateway.mood.verdict = { go: false, reason: 'retired: replaced by 8' };
  const script = join(scratch, 'old.sh');
  writeFileSync(
    script,
    `export SLURP_PROCESS_GROUP=$$\ntrap 'echo trapped; exit 9' TERM\ncups.py ${who.join(' ')} started\necho went on\nsleep 30\n`,
  );
  const child = spawn('bash', [script], {
    cwd: scratch,
    detached: true,
    env: environmentOf(scratch, place.worker),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  expect(code).toBe(9);
  expect(output.join('')).toBe('cups: this job is no longer needed and ends now: retired: replaced by 8\ntrapped\n');
  expect(readFileSync(join(scratch, 'slurp-fenced'), 'utf8')).toBe('retired: replaced by 8\n');
});

test('signals no group but one that it belongs to', async () => {
  gateway.mood.verdict = { go: false, reason: 'retired' };
  const bystander = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
  const result = await place.run(scratch, ['cups', ...who, 'started'], {
    env: { SLURP_PROCESS_GROUP: String(bystander.pid), SLURP_WRAPPER_PROCESS: String(bystander.pid) },
  });
  expect(result.exitCode).toBe(24);
  expect(result.stderr).toContain('cups cannot end the job');
  expect(bystander.exitCode).toBeNull();
  const gone = new Promise((resolve) => {
    bystander.on('exit', resolve);
  });
  bystander.kill();
  await gone;
});

test('continues when there is no answer, and does not end a job that has ended itself', async () => {
  gateway.mood.status = 503;
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 300 });
  expect(await cups('started')).toMatchObject({ exitCode: 0 });
  await cups('finished', '-e', '0');
  delete gateway.mood.status;
  gateway.mood.verdict = { go: false, reason: 'already finished' };
  expect(await cups('message', 'done')).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(scratch, 'slurp-fenced'))).toBe(false);
});

test('ends a job that was made for reading only', async () => {
  const result = await place.run(scratch, ['cups', ...who, 'started'], { env: { cupsid: '0' } });
  expect(result.exitCode).toBe(24);
  expect(gateway.requests).toEqual([]);
});

test('records the end that a trap reports while the job is stopped as a remark (C-W18)', async () => {
  writeFileSync(join(scratch, 'slurp-stopping'), 'TERM\n');
  await cups('finished', '-e', '255', '--nevents', '0');
  expect(gateway.events()[0]?.detail).toEqual({
    kind: 'message',
    text: 'Stopped by TERM; the script ended with exit code 255',
  });
  await cups('finished', '-e', '0');
  expect(kinds()).toEqual(['message', 'finished']);
});

const name = 'DST_CALO_run2pp_new_2024p007-00053534-00000.root';
const stageout = (...more: readonly string[]): Promise<CommandResult> =>
  cups('stageout', name, out, '--dsttype', 'DST_CALO_run2pp', '--dataset', 'new_2024p007', ...more);

test('stages a file out: in its place, reported, and removed here once it is registered (C-W10)', async () => {
  writeFileSync(join(scratch, name), 'events');
  expect(await stageout('--nevents', '661', '--inc', '--prodtype', 'only')).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  expect(readdirSync(out)).toEqual([name]);
  expect(existsSync(join(scratch, name))).toBe(false);
  expect(gateway.events()[0]?.detail).toEqual({
    kind: 'stageout',
    nevents: 661,
    isIncrement: true,
    file: {
      lfn: name,
      path: join(out, name),
      host: 'lustre',
      sizeBytes: 6,
      md5: '16908b0605f2645dfcb4c3a8d248cef3',
      run: 53534,
      segment: 0,
      dataset: 'new_2024p007',
      dsttype: 'DST_CALO_run2pp',
      events: 661,
    },
  });
});

test('an unknown number of events is -1 in the catalog, and adds nothing to the job (C-W11)', async () => {
  writeFileSync(join(scratch, name), 'events');
  await stageout('--nevents', '-1', '--inc');
  expect(gateway.events()[0]?.detail).toMatchObject({ file: { events: -1 } });
  expect(gateway.events()[0]?.detail).not.toHaveProperty('nevents');
});

test('keeps the local file until the copy is registered, which a second call does', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 200 });
  writeFileSync(join(scratch, name), 'events');
  gateway.mood.status = 503;
  const away = await stageout();
  expect(away.exitCode).toBe(0);
  expect(away.stderr).toContain('is in place but not registered yet (the gateway did not answer yet: ');
  delete gateway.mood.status;
  gateway.mood.isRegistered = false;
  expect(await stageout()).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(scratch, name))).toBe(true);
  expect(readdirSync(out)).toEqual([name]);
  gateway.mood.isRegistered = true;
  expect(await stageout()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(existsSync(join(scratch, name))).toBe(false);
});

test('fails with 30 and an error condition where a file cannot be staged out', async () => {
  const missing = await stageout();
  expect(missing.exitCode).toBe(30);
  expect(missing.stderr).toBe(
    `cups: File '${join(scratch, name)}' does not exist and cannot be staged out\n  because: no such file or directory\n`,
  );
  writeFileSync(join(scratch, 'HIST_QA_run2pp-1-2.root'), 'h');
  await cups('stageout', 'HIST_QA_run2pp-1-2.root', '/not/there');
  expect(gateway.events().map(({ detail }) => detail)).toMatchObject([
    { kind: 'message', flag: 4 },
    // Which files a job makes may depend on its input.
    { kind: 'refused', report: 'stageout', lfn: name, isRemark: true },
    { kind: 'message', flag: 8 },
    { kind: 'refused', report: 'stageout', lfn: 'HIST_QA_run2pp-1-2.root' },
  ]);
});

test('replaces an older file if the gateway grants its name, and not if it does not (C-W28)', async () => {
  writeFileSync(join(scratch, name), 'events');
  writeFileSync(join(out, name), 'older');
  gateway.mood.claim = { isGranted: false, reason: 'the attempt was retired: unblocked' };
  expect(await stageout()).toMatchObject({
    exitCode: 30,
    stderr: `cups: '${join(out, name)}' is refused: the attempt was retired: unblocked\n`,
  });
  expect(readFileSync(join(out, name), 'utf8')).toBe('older');
  delete gateway.mood.claim;
  expect(await stageout()).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(out, name), 'utf8')).toBe('events');
  expect(existsSync(join(scratch, name))).toBe(false);
});

test('waits for a gateway that is away where a file would be replaced, as getinputs does (C-W28)', async () => {
  writeFileSync(join(scratch, name), 'events');
  writeFileSync(join(out, name), 'older');
  gateway.mood.status = 503;
  const staging = stageout();
  await waitUntil(() => (gateway.requests.length > 0 ? true : undefined), { timeoutMs: 25_000 });
  delete gateway.mood.status;
  expect(await staging).toMatchObject({
    exitCode: 0,
    stderr: 'cups: waiting for the gateway (not in the mood (status 503)), up to 5 s\n',
  });
  expect(gateway.claims).toEqual([{ start: 0, lfn: name, isTaken: true }]);
  expect(readFileSync(join(out, name), 'utf8')).toBe('events');
});

test('leaves an older file where the gateway stays away', async () => {
  scratch = await place.scratch(gateway.url, { reportTimeoutMs: 200, inputsTimeoutMs: 300 });
  writeFileSync(join(scratch, name), 'events');
  writeFileSync(join(out, name), 'older');
  gateway.mood.status = 503;
  const result = await stageout();
  expect(result.exitCode).toBe(30);
  expect(result.stderr).toContain(
    `The file '${join(out, name)}' exists with other content, and the gateway did not grant its name: not in the mood`,
  );
  expect(readFileSync(join(out, name), 'utf8')).toBe('older');
});

test('a job that was made for reading only stages nothing out', async () => {
  writeFileSync(join(scratch, name), 'events');
  const result = await place.run(scratch, ['cups', 'stageout', name, out], { env: { cupsid: '0' } });
  expect(result.exitCode).toBe(24);
  expect(readdirSync(out)).toEqual([]);
});

test('stages nothing out once the job has to stop (C-W18)', async () => {
  writeFileSync(join(scratch, name), 'half of the events');
  writeFileSync(join(scratch, 'slurp-stopping'), 'TERM\n');
  expect(await stageout()).toMatchObject({ exitCode: 30 });
  expect(readdirSync(out)).toEqual([]);
});

test('killed in the middle of a copy it leaves no product, and the next call cleans up and ends it', async () => {
  writeFileSync(join(scratch, name), '');
  truncateSync(join(scratch, name), 600_000_000);
  const child = spawn(join(place.worker, 'cups'), [...who, 'stageout', name, out], {
    cwd: scratch,
    env: environmentOf(scratch, place.worker),
    stdio: 'ignore',
  });
  await waitUntil(() => (readdirSync(out).length > 0 ? true : undefined), { timeoutMs: 25_000, everyMs: 2 });
  child.kill('SIGKILL');
  await new Promise((resolve) => {
    child.on('exit', resolve);
  });
  expect(readdirSync(out)).toEqual([expect.stringMatching(/^\.DST.*\.part$/u)]);
  truncateSync(join(scratch, name), 1000);
  expect(await stageout()).toMatchObject({ exitCode: 0 });
  expect(readdirSync(out)).toEqual([name]);
});

test('prints what it knows of the job, and its help', async () => {
  const info = await cups('info');
  expect(info.exitCode).toBe(0);
  expect(info.stdout).toMatch(/^Working with cupsid=7\nstart: 0\n/u);
  expect(info.stdout).toContain(`gateway: ${gateway.url}\n`);
  expect((await cups('--help')).stdout).toMatch(/^Usage: cups \[options\] \[command\]\n/u);
});

test('says which program is missing on a machine without Node', async () => {
  const result = await place.run(scratch, ['cups', ...who, 'started'], { env: { SLURP_NODE: '/not/node' } });
  expect(result).toMatchObject({ exitCode: 25, stdout: '' });
  expect(result.stderr).toBe(
    "cups: Program '/not/node' is not installed on this machine: set SLURP_NODE, or put node (20.19 or later) on the PATH\n",
  );
});
