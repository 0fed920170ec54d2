import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { readGatewayAccess } from '#job/ask/read-gateway-access.ts';
import { reportStart } from '#job/report-start.ts';

import { startRecordingGateway } from './recording-gateway.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';

import type { RecordingGateway } from './recording-gateway.ts';

const at = '2025-04-10T12:00:00.000Z';
let directory = '';
let gateway: RecordingGateway;
let access: GatewayAccess;
let said: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slurp-report-start-'));
  gateway = await startRecordingGateway();
  const job = { submission: 'u', gateway: gateway.url, reportTimeoutMs: 50 };
  writeFileSync(join(directory, 'slurp-job.json'), JSON.stringify(job));
  writeFileSync(join(directory, 'slurp-token'), 'secret\n');
  access = readGatewayAccess(directory);
  said = [];
});
afterEach(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true });
});

const report = (isLater: boolean, signal: AbortSignal): ReturnType<typeof reportStart> =>
  reportStart({ cupsid: 7, start: isLater ? 1 : 0, node: 'n', directory }, access, at, {
    ...{ isLater, signal },
    say: (text) => said.push(text),
  });

test('a first start goes on without an answer, and says nothing', async () => {
  await gateway.close();
  const { delivery } = await report(false, new AbortController().signal);
  expect(delivery.outcome).toBe('away');
  expect(said).toEqual([]);
});

test('a later start waits until the gateway answers, and says once that it waits', async () => {
  await gateway.close();
  gateway.mood.verdict = { go: false, reason: 'it has finished' };
  const reported = report(true, new AbortController().signal);
  await expect.poll(() => said.length, { timeout: 10_000 }).toBe(1);
  await gateway.open();
  expect((await reported).delivery).toMatchObject({
    outcome: 'delivered',
    verdict: { isGo: false, reason: 'it has finished' },
  });
  expect(said).toEqual([
    expect.stringContaining('the job was started before and may have finished: waiting up to 600 s'),
  ]);
});

test('a later start stops waiting when it is aborted', async () => {
  await gateway.close();
  const stopping = new AbortController();
  const reported = report(true, stopping.signal);
  await expect.poll(() => said.length, { timeout: 10_000 }).toBe(1);
  stopping.abort();
  expect((await reported).delivery.outcome).toBe('away');
});

test('a later start that is aborted does not wait for a gateway that accepts and never answers (C-W30)', async () => {
  gateway.mood.isSilent = true;
  const stopping = new AbortController();
  const reported = report(true, stopping.signal);
  await expect.poll(() => gateway.requests.length, { timeout: 10_000 }).toBe(1);
  stopping.abort();
  expect((await reported).delivery.outcome).toBe('away');
});
