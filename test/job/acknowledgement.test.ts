import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { readGatewayAccess } from '#job/ask/read-gateway-access.ts';
import { findInputs } from '#job/find-inputs.ts';
import { deliver } from '#job/spool/deliver.ts';
import { readDeliveredOffset } from '#job/spool/delivered-offset.ts';
import { reportEvent } from '#job/spool/report-event.ts';
import { appendToSpool } from '#job/spool/spool.ts';
import { claimName } from '#job/stage-out/claim-name.ts';
import { reportScriptEnd } from '#job/wrap.ts';

import { startRecordingGateway } from './recording-gateway.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';
import type { SpoolLine } from '#job/spool/spool.ts';

import type { ForgedAnswer, RecordingGateway } from './recording-gateway.ts';

const at = '2025-04-10T12:00:00.000Z';
const once = { timeoutMs: 5000, isPersistent: false };
let directory = '';
let home = '';
let gateway: RecordingGateway;
let access: GatewayAccess;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slurp-acknowledgement-'));
  home = join(directory, 'home');
  mkdirSync(home);
  gateway = await startRecordingGateway();
  const job = { submission: 'u', gateway: gateway.url, spoolDirectory: home, reportTimeoutMs: 300 };
  writeFileSync(join(directory, 'slurp-job.json'), JSON.stringify(job));
  writeFileSync(join(directory, 'slurp-token'), 'secret\n');
  access = readGatewayAccess(directory);
});
afterEach(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true });
});

const identity = (): Parameters<typeof appendToSpool>[0] => ({ cupsid: 7, start: 0, node: 'n', directory });
const append = (text: string): SpoolLine => appendToSpool(identity(), at, { kind: 'message', text });

const json = (body: unknown): ForgedAnswer => ({
  status: 200,
  type: 'application/json',
  text: JSON.stringify(body),
});
const html = (status: number): ForgedAnswer => ({ status, type: 'text/html', text: '<html>Please log in</html>' });
const renamed = (reply: unknown, from: string, to: string): ForgedAnswer => ({
  ...json(reply),
  text: JSON.stringify(reply).replaceAll(from, to),
});

const notAcknowledged: readonly (readonly [string, (reply: unknown) => ForgedAnswer])[] = [
  ['a JSON object that says nothing', () => json({})],
  ['a list', () => json([])],
  ['an answer without results', () => json({ results: [], verdicts: [{ cupsid: 7, go: false }], registered: [] })],
  ['the login page of a proxy', () => html(200)],
  ['JSON that is cut short', (reply) => ({ ...json(reply), text: JSON.stringify(reply).slice(0, -9) })],
  ['an acknowledgement of another attempt', (reply) => renamed(reply, '"cupsid":7', '"cupsid":8')],
  ['an acknowledgement of another spool', (reply) => renamed(reply, '"source":"', '"source":"x')],
  ['an acknowledgement of other lines', (reply) => renamed(reply, '"sequence":', '"sequence":9')],
  ['an outcome that it does not know', (reply) => renamed(reply, '"outcome":"new"', '"outcome":"postponed"')],
  ['a redirection', () => html(302)],
  ['no content', () => ({ status: 204, type: 'text/plain', text: '' })],
  ['a page of another server on the port', () => html(404)],
  ['a refusal that is not of the gateway', () => ({ ...json({ error: 'forbidden' }), status: 403 })],
  ['a request of a proxy to log in', () => html(407)],
];

describe.each(notAcknowledged)('%s is not an acknowledgement', (_, forged) => {
  beforeEach(() => {
    gateway.mood.forged = forged;
  });

  test('of what waits in a spool, which is delivered later', async () => {
    const { path } = append('one');
    expect(await deliver(access, path, once)).toMatchObject({ outcome: 'away', refused: [] });
    expect(readDeliveredOffset(path)).toBeLessThan(200);
    expect(existsSync(`${path}.refused`)).toBe(false);
    delete gateway.mood.forged;
    expect(await deliver(access, path, once)).toMatchObject({ outcome: 'delivered' });
    expect(gateway.events()).toHaveLength(1);
  });

  test('of a report that is made now: no verdict, no registration', async () => {
    const reported = await reportEvent(identity(), access, at, { kind: 'started', node: 'n' }, once);
    expect(reported.delivery).toMatchObject({ outcome: 'away' });
    expect(reported.delivery.verdict).toBeUndefined();
    expect(reported.registration).toBeUndefined();
  });

  test('of a report for which the disk has no room', async () => {
    const nowhere = { ...identity(), directory: '/proc/nowhere' };
    await expect(reportEvent(nowhere, access, at, { kind: 'running' }, once)).rejects.toThrow('ENOENT');
  });

  test('at the end of a wrapped job: its spool is copied to the site', async () => {
    append('one');
    const end = await reportScriptEnd(identity(), access, { exitCode: 0 });
    expect(end.broughtHome).toBe(join(home, 'spool-7-0.jsonl'));
    expect(readFileSync(join(home, 'spool-7-0.jsonl'), 'utf8')).toContain('"exited"');
  });
});

test('counts what an answer acknowledges, and sends only the rest again', async () => {
  const { path } = append('one');
  const two = append('two');
  const three = append('three');
  gateway.mood.forged = (reply) => renamed(reply, `"sequence":${two.sequence}`, '"sequence":9999');
  expect(await deliver(access, path, once)).toMatchObject({
    outcome: 'away',
    reason: 'the answer leaves out 1 of 3 reports',
  });
  expect(readDeliveredOffset(path)).toBe(two.sequence);
  delete gateway.mood.forged;
  expect(await deliver(access, path, once)).toMatchObject({ outcome: 'delivered' });
  expect(gateway.events().map(({ sequence }) => sequence)).toEqual([two.sequence, three.sequence]);
});

test('asks again for what an answer leaves out, where a caller waits', async () => {
  const { path } = append('one');
  append('two');
  let answers = 0;
  gateway.mood.forged = () => {
    answers += 1;
    if (answers === 2) delete gateway.mood.forged;
    return json({});
  };
  expect(await deliver(access, path, { timeoutMs: 10_000, isPersistent: true })).toMatchObject({
    outcome: 'delivered',
  });
  expect(gateway.events()).toHaveLength(2);
});

test('believes a refusal that names its reports, whatever the status', async () => {
  const { path } = append('one');
  const two = append('two');
  gateway.mood.outcome = 'invalid';
  gateway.mood.forged = (reply) => ({ ...json({ ...Object(reply), code: 'invalid-events' }), status: 400 });
  const delivery = await deliver(access, path, once);
  expect(delivery).toMatchObject({ outcome: 'delivered', refused: [{ report: 'message' }, { report: 'message' }] });
  expect(readDeliveredOffset(path)).toBeGreaterThan(two.sequence);
  expect(existsSync(`${path}.refused`)).toBe(true);
});

test.each<[string, (reply: unknown) => ForgedAnswer]>([
  ['a JSON object that says nothing', () => json({})],
  ['a list of inputs that names no attempt', () => json({ inputs: ['/a'], ranges: [] })],
  ['the inputs of another attempt', (reply) => renamed(reply, '"cupsid":7', '"cupsid":8')],
  ['inputs that are not paths', () => json({ cupsid: 7, inputs: [5], ranges: [] })],
  ['an answer without ranges', () => json({ cupsid: 7, inputs: ['/a'] })],
  ['the login page of a proxy', () => html(200)],
  ['a page of another server on the port', () => html(404)],
])('waits for its inputs where the answer is %s', async (_, forged) => {
  const say: string[] = [];
  let answers = 0;
  gateway.mood.inputs = ['/a.root'];
  gateway.mood.forged = (reply) => {
    answers += 1;
    if (answers === 1) return forged(reply);
    delete gateway.mood.forged;
    return json(reply);
  };
  const found = await findInputs(access, identity(), new AbortController().signal, (line) => say.push(line));
  expect(found).toEqual({ inputs: ['/a.root'], ranges: [] });
  expect(say).toEqual([expect.stringMatching(/^waiting for the gateway/u)]);
});

test.each<[string, (reply: unknown) => ForgedAnswer]>([
  ['a JSON object that says nothing', () => json({})],
  ['an answer that names no attempt', () => json({ isGranted: true })],
  ['the answer to another attempt', (reply) => renamed(reply, '"cupsid":7', '"cupsid":8')],
  ['the login page of a proxy', () => html(200)],
  ['a page of another server on the port', () => html(404)],
])('takes no file name for granted where the answer is %s', async (_, forged) => {
  gateway.mood.forged = forged;
  const options = { signal: new AbortController().signal, say: () => undefined };
  for (const isTaken of [false, true]) {
    const question = { start: 0, lfn: 'A.root', isTaken };
    const short = { ...access, job: { ...access.job, inputsTimeoutMs: 300 } };
    expect(await claimName(short, 7, question, options)).toMatchObject({ kind: 'away' });
  }
});
