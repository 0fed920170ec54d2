import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { parseEventAnswer } from '#job/ask/event-answer.ts';
import { readGatewayAccess } from '#job/ask/read-gateway-access.ts';
import { deliver } from '#job/spool/deliver.ts';
import { putDeliveredOffset, readDeliveredOffset } from '#job/spool/delivered-offset.ts';
import { reportEvent } from '#job/spool/report-event.ts';
import { appendToSpool } from '#job/spool/spool.ts';

import { startRecordingGateway } from '../recording-gateway.ts';

import type { EventFate } from '#job/ask/event-answer.ts';
import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';

import type { RecordingGateway } from '../recording-gateway.ts';

const at = '2025-04-10T12:00:00.000Z';
let directory = '';
let gateway: RecordingGateway;
let access: GatewayAccess;
const once = { timeoutMs: 2000, isPersistent: false };

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slurp-deliver-'));
  gateway = await startRecordingGateway();
  const job = { submission: 'u', gateway: `${gateway.url}/` };
  writeFileSync(join(directory, 'slurp-job.json'), JSON.stringify(job));
  writeFileSync(join(directory, 'slurp-token'), 'secret\n');
  access = readGatewayAccess(directory);
});
afterEach(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true });
});

const identity = (): Parameters<typeof appendToSpool>[0] => ({ cupsid: 7, start: 0, node: 'n', directory });
const say = (text: string): { path: string; sequence: number } =>
  appendToSpool(identity(), at, { kind: 'message', text });
const texts = (): readonly string[] =>
  gateway.events().map(({ detail }) => (detail.kind === 'message' ? detail.text.slice(0, 20) : detail.kind));

test('delivers all that waits, in order, once; the key is source and byte offset', async () => {
  const { path } = say('one');
  const two = say('two');
  expect(await deliver(access, path, once)).toMatchObject({ outcome: 'delivered', reason: '', refused: [] });
  expect(texts()).toEqual(['one', 'two']);
  expect(gateway.events()[1]).toMatchObject({ cupsid: 7, start: 0, at, sequence: two.sequence });
  expect(gateway.requests[0]).toEqual({ method: 'POST', path: '/v1/events', token: 'Bearer secret' });

  say('three');
  await deliver(access, path, once);
  expect(texts()).toEqual(['one', 'two', 'three']);
  expect(gateway.arrivals()).toBe(3);
  await deliver(access, path, once);
  expect(gateway.arrivals()).toBe(3);
});

test('delivers again, harmlessly, when the note of what was delivered is lost or wrong', async () => {
  const { path } = say('one');
  await deliver(access, path, once);
  writeFileSync(`${path}.delivered`, 'invalid');
  await deliver(access, path, once);
  expect(gateway.arrivals()).toBe(2);
  expect(texts()).toEqual(['one']);
});

test('keeps the highest offset that was ever delivered', () => {
  const { path } = say('one');
  putDeliveredOffset(path, 90);
  putDeliveredOffset(path, 40);
  expect(readDeliveredOffset(path)).toBe(90);
});

test('leaves the reports where they are while the gateway is away, and is back within the bound', async () => {
  const { path } = say('one');
  await gateway.close();
  expect(await deliver(access, path, once)).toMatchObject({ outcome: 'away' });
  await gateway.open();
  gateway.mood.isSilent = true;
  const begin = Date.now();
  expect(await deliver(access, path, { timeoutMs: 300, isPersistent: true })).toMatchObject({ outcome: 'away' });
  expect(Date.now() - begin).toBeLessThan(1500);
  gateway.mood.isSilent = false;
  gateway.mood.status = 503;
  expect(await deliver(access, path, once)).toMatchObject({
    outcome: 'away',
    reason: 'not in the mood (status 503)',
  });
  delete gateway.mood.status;
  expect(await deliver(access, path, once)).toMatchObject({ outcome: 'delivered' });
  expect(texts()).toEqual(['one']);
});

test('tries until the gateway is back, where a caller waits for the answer', async () => {
  const { path } = say('one');
  gateway.mood.status = 503;
  setTimeout(() => delete gateway.mood.status, 400);
  expect(await deliver(access, path, { timeoutMs: 5000, isPersistent: true })).toMatchObject({ outcome: 'delivered' });
});

test.each([401, 403, 404])('does not try again when it is refused with %i', async (status) => {
  const { path } = say('one');
  gateway.mood.status = status;
  const delivery = await deliver(access, path, { timeoutMs: 5000, isPersistent: true });
  expect(delivery).toMatchObject({ outcome: 'denied', reason: `not in the mood (status ${status})` });
  expect(gateway.requests).toHaveLength(1);
  expect(readDeliveredOffset(path)).toBe(0);
});

test('skips what is rejected, and delivers the rest', async () => {
  const { path } = say('one');
  say(`long ${'x'.repeat(1_100_000)}`);
  say('three');
  const delivery = await deliver(access, path, once);
  expect(delivery).toMatchObject({
    outcome: 'delivered',
    refused: [{ report: 'message', reason: expect.stringMatching(/^it has \d+ bytes: expected 1000000 at most$/u) }],
  });
  expect(texts()).toEqual(['one', 'three']);
  await deliver(access, path, once);
  expect(gateway.arrivals()).toBe(2);
});

test('splits many reports into requests that the gateway accepts', async () => {
  let path = '';
  for (let index = 0; index < 2300; index += 1) ({ path } = say(`${index} ${'x'.repeat(900)}`));
  expect(await deliver(access, path, { timeoutMs: 10_000, isPersistent: false })).toMatchObject({
    outcome: 'delivered',
  });
  expect(gateway.events()).toHaveLength(2300);
  expect(gateway.requests.length).toBeGreaterThan(2);
});

test('reports without a spool when the disk has no room for one', async () => {
  const nowhere = { ...identity(), directory: '/proc/nowhere' };
  const reported = await reportEvent(nowhere, access, at, { kind: 'finished', exitCode: 1 }, once);
  expect(reported.line).toBeUndefined();
  expect(gateway.events()).toMatchObject([{ cupsid: 7, sequence: 0, detail: { kind: 'finished', exitCode: 1 } }]);
  await gateway.close();
  await expect(reportEvent(nowhere, access, at, { kind: 'running' }, once)).rejects.toThrow('ENOENT');
  await gateway.open();
});

test('reports only into the spool when the gateway is not known', async () => {
  const reported = await reportEvent(identity(), undefined, at, { kind: 'running' }, once);
  expect(reported.delivery.outcome).toBe('away');
  expect(readFileSync(reported.line?.path ?? '', 'utf8')).toContain('running');
});

test('understands answers, also those of gateways to come, and believes only what names its own reports', () => {
  const key = (sequence: number, more: object): object => ({ cupsid: 7, source: 's', sequence, ...more });
  const answer = parseEventAnswer(
    {
      results: [
        key(1, { outcome: 'new' }),
        key(2, { outcome: 'invalid', reason: 'detail.nevents is missing' }),
        key(3, { outcome: 'forbidden' }),
        key(4, { outcome: 'postponed' }),
        key(5, { outcome: 'duplicate' }),
        { outcome: 'new' },
        { ...key(6, { outcome: 'new' }), source: 'other' },
        { ...key(7, { outcome: 'new' }), cupsid: 8 },
      ],
      verdicts: [
        { cupsid: 8, go: false },
        { cupsid: 7, go: true },
      ],
      registered: [
        key(5, { isRegistered: false, reason: 'away' }),
        key(4, { isRegistered: true }),
        { ...key(1, { isRegistered: true }), source: 'other' },
        { ...key(1, { isRegistered: true }), cupsid: 8 },
      ],
      news: 1,
    },
    7,
    's',
  );
  expect(answer).toEqual({
    verdict: { isGo: true },
    registered: new Map([[5, { isRegistered: false, reason: 'away' }]]),
    fates: new Map<number, EventFate>([
      [1, { kind: 'recorded' }],
      [2, { kind: 'refused', reason: 'detail.nevents is missing' }],
      [3, { kind: 'refused', reason: 'forbidden' }],
      [5, { kind: 'recorded' }],
    ]),
  });
  expect(parseEventAnswer('invalid', 7, 's')).toEqual({ fates: new Map(), registered: new Map() });
});

test.each([
  ['slurp-job.json', '{"submission": "u"}', 'does not contain the submission or the address of the gateway'],
  ['slurp-job.json', 'invalid', 'does not contain the submission or the address of the gateway'],
  ['slurp-token', 'two words\n', 'contains no token'],
])('says what is wrong with a %s that holds %s', (name, text, words) => {
  writeFileSync(join(directory, name), text);
  expect(() => readGatewayAccess(directory)).toThrow(words);
});

test('knows up to where a spool was delivered, however many reports there were', () => {
  const spool = join(directory, 'spool');
  writeFileSync(`${spool}.delivered`, Array.from({ length: 200_000 }, (_, index) => `\n${index * 100}\n`).join(''));
  expect(readDeliveredOffset(spool)).toBe(19_999_900);
});
