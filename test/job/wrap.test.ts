import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { findInputs } from '#job/find-inputs.ts';
import { readUsage } from '#job/read-usage.ts';
import { copySpoolHome } from '#job/spool/copy-spool-home.ts';
import { deliver, renderRefusal } from '#job/spool/deliver.ts';
import { kindOf, readSpool } from '#job/spool/read-spool.ts';
import { appendToSpool } from '#job/spool/spool.ts';
import { fencedFileName } from '#job/stop-job.ts';
import { readStopping, withEndAsRemark } from '#job/with-end-as-remark.ts';
import { hasReportedEnd, renderAssignments, reportScriptEnd } from '#job/wrap.ts';

import { startRecordingGateway } from './recording-gateway.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';

import type { RecordingGateway } from './recording-gateway.ts';

const at = '2025-04-10T12:00:00.000Z';
let gateway: RecordingGateway;
let directory = '';
let home = '';
let access: GatewayAccess;

beforeEach(async () => {
  gateway = await startRecordingGateway();
  directory = mkdtempSync(join(tmpdir(), 'slurp-wrap-'));
  home = join(directory, 'home');
  mkdirSync(home);
  access = {
    token: 't',
    job: {
      submission: 'u',
      gateway: gateway.url,
      spoolDirectory: home,
      reportTimeoutMs: 300,
      inputsTimeoutMs: 500,
      mode: 'production',
    },
  };
});
afterEach(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true });
});

const identity = (): Parameters<typeof appendToSpool>[0] => ({ cupsid: 7, start: 2, node: 'n', directory });

test('writes assignments that a shell takes as they are meant', () => {
  const job = { ...access.job, setupScript: "/opt/it's $here.sh" };
  const bare = "container_runtime=''\ncontainer_image=''\ncontainer_binds=()\n";
  expect(renderAssignments({ ...access, job })).toBe(
    `mode='production'\nsetup_script='/opt/it'\\''s $here.sh'\n${bare}`,
  );
  expect(renderAssignments(access)).toBe(`mode='production'\nsetup_script=''\n${bare}`);
});

test('reports the end of a script, and copies nothing to the site that the gateway has', async () => {
  expect(await reportScriptEnd({ ...identity(), wrapperProcess: process.pid }, access, { exitCode: 3 })).toEqual({
    reasons: [],
    isDelivered: true,
  });
  expect(gateway.events()[0]?.detail).toMatchObject({ kind: 'exited', exitCode: 3, node: 'n' });
  expect(gateway.events()[0]?.detail).not.toHaveProperty('signal');
  expect(readdirSync(home)).toEqual([]);
  expect(readdirSync(directory).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
});

test('names the signal that ended a script, as its message too', async () => {
  await reportScriptEnd(identity(), access, { exitCode: 139 });
  const exited = { kind: 'exited', exitCode: 139, signal: 'SIGSEGV', node: 'n' };
  expect(gateway.events().map(({ detail }) => detail)).toEqual([
    { kind: 'message', text: 'Killed by SIGSEGV before it reported an end' },
    exited,
  ]);
});

test('keeps the end that a script reported before a signal ended it', async () => {
  appendToSpool(identity(), at, { kind: 'finished', exitCode: 139 });
  await reportScriptEnd(identity(), access, { exitCode: 139 });
  expect(gateway.events().map(({ detail }) => detail.kind)).toEqual(['finished', 'exited']);
});

test('leaves the spool in its place where it comes home as an output file', async () => {
  const { spoolDirectory: _, ...job } = access.job;
  await reportScriptEnd(identity(), { ...access, job }, { exitCode: 0 });
  expect(existsSync(join(directory, 'spool-7-2.jsonl'))).toBe(true);
});

test('brings the spool of a stopped job home where the gateway is away, and only once', async () => {
  gateway.mood.status = 503;
  const end = await reportScriptEnd(identity(), access, { exitCode: 143, stoppedBy: 'TERM' });
  expect(end).toMatchObject({ broughtHome: join(home, 'spool-7-2.jsonl'), isDelivered: false });
  expect(readSpool(join(home, 'spool-7-2.jsonl')).records.map(kindOf)).toEqual(['evicted']);
  expect(readdirSync(directory).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
});

test('takes the spool of a stopped job back from home once the gateway knows it', async () => {
  const end = await reportScriptEnd(identity(), access, { exitCode: 143, stoppedBy: 'TERM' });
  expect(end).toEqual({ reasons: [], isDelivered: true });
  expect(readdirSync(home)).toEqual([]);
  expect(gateway.events().map(({ detail }) => detail)).toEqual([{ kind: 'evicted', reason: 'Stopped by TERM' }]);
});

test('says nothing of the end of a job that is not wanted, but brings home what was said', async () => {
  writeFileSync(join(directory, fencedFileName), 'retired\n');
  expect(await reportScriptEnd(identity(), access, { exitCode: 0 })).toEqual({ reasons: [], isDelivered: true });
  appendToSpool(identity(), at, { kind: 'running' });
  await reportScriptEnd(identity(), access, { exitCode: 0 });
  expect(gateway.events().map(({ detail }) => detail.kind)).toEqual(['running']);
});

test('brings home a spool with a report that the gateway refused, also if all later ones were taken', async () => {
  appendToSpool(identity(), at, { kind: 'running' });
  gateway.mood.outcome = 'unknown-attempt';
  const { path } = appendToSpool(identity(), at, { kind: 'running' });
  const refused = await deliver(access, path, { timeoutMs: 5000, isPersistent: false });
  delete gateway.mood.outcome;
  expect(refused.refused.map(renderRefusal)).toEqual([
    "the gateway refused the report 'running': unknown-attempt",
    "the gateway refused the report 'running': unknown-attempt",
  ]);
  const end = await reportScriptEnd(identity(), access, { exitCode: 0 });
  expect(end.broughtHome).toBe(join(home, 'spool-7-2.jsonl'));
  expect(readSpool(join(home, 'spool-7-2.jsonl')).records.map(kindOf)).toEqual(['running', 'running', 'exited']);
});

test('says what went wrong on the way home', async () => {
  await gateway.close();
  rmSync(home, { recursive: true });
  const { reasons } = await reportScriptEnd(identity(), access, { exitCode: 0 });
  expect(reasons.join('; ')).toMatch(/ECONNREFUSED.*the spool could not be copied home: no such file or directory/u);
  await gateway.open();
});

test('never replaces the spool of another start that has the same number', () => {
  const { path } = appendToSpool(identity(), at, { kind: 'running' });
  const first = copySpoolHome(path, home);
  const before = readFileSync(first, 'utf8');
  appendToSpool(identity(), at, { kind: 'running' });
  expect(copySpoolHome(path, home)).toBe(first);
  expect(readFileSync(first, 'utf8')).not.toBe(before);
  rmSync(path);
  const other = appendToSpool(identity(), at, { kind: 'started', node: 'n' });
  expect(copySpoolHome(other.path, home)).toBe(join(home, 'spool-7-1000002.jsonl'));
  expect(readdirSync(home).toSorted()).toEqual(['spool-7-1000002.jsonl', 'spool-7-2.jsonl']);
});

test('knows whether the script reported an end itself', () => {
  expect(hasReportedEnd(identity())).toBe(false);
  appendToSpool(identity(), at, { kind: 'running' });
  expect(hasReportedEnd(identity())).toBe(false);
  appendToSpool(identity(), at, { kind: 'exitcode', exitCode: 1 });
  expect(hasReportedEnd(identity())).toBe(true);
});

test('makes a remark of a failure that is reported while the job is stopped, and of nothing else', () => {
  expect(readStopping(directory)).toBeUndefined();
  writeFileSync(join(directory, 'slurp-stopping'), 'TERM\n');
  expect(readStopping(directory)).toBe('TERM');
  expect(withEndAsRemark({ kind: 'finished', exitCode: 255 }, 'TERM')).toEqual({
    kind: 'message',
    text: 'Stopped by TERM; the script ended with exit code 255',
  });
  for (const detail of [{ kind: 'finished' }, { kind: 'exitcode', exitCode: 0 }, { kind: 'running' }] as const) {
    expect(withEndAsRemark(detail, 'TERM')).toBe(detail);
  }
  expect(withEndAsRemark({ kind: 'exitcode', exitCode: 2 }, undefined)).toEqual({ kind: 'exitcode', exitCode: 2 });
});

test('reads what a process used', () => {
  const usage = readUsage(process.pid);
  expect(usage?.cpuSeconds).toBeGreaterThan(0);
  expect(usage?.wallSeconds).toBeGreaterThan(0);
  expect(usage?.wallSeconds).toBeLessThan(24 * 3600);
  expect(readUsage(4_194_999)).toBeUndefined();
});

test('stops waiting for inputs when it is signalled, and when the answer is invalid', async () => {
  const said: string[] = [];
  gateway.mood.status = 500;
  const ended = new AbortController();
  ended.abort();
  const asking = findInputs(access, identity(), ended.signal, (line) => said.push(line));
  await expect(asking).rejects.toMatchObject({ code: 'gateway-no-answer' });
  expect(said).toEqual([]);
  delete gateway.mood.status;
  Object.assign(gateway.mood, { inputs: 'a,b' });
  const invalid = findInputs(access, identity(), new AbortController().signal, () => undefined);
  await expect(invalid).rejects.toMatchObject({ code: 'gateway-no-answer' });
});
