import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { checkReport } from '#job/check-report.ts';
import { reportEvent } from '#job/spool/report-event.ts';
import { stageOutAndReport } from '#job/stage-out/stage-out-and-report.ts';
import { startRecordingGateway } from '#test/job/recording-gateway.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';
import type { JobIdentity } from '#job/identity.ts';
import type { StageOutJob, StageOutOrder } from '#job/stage-out/stage-out-and-report.ts';
import type { RecordingGateway } from '#test/job/recording-gateway.ts';

const name = 'DST_CALO_run2pp_new_2024p007-00053534-00012.root';

let root = '';
let gateway: RecordingGateway;
let access: GatewayAccess;
let identity: JobIdentity;
let said: string[] = [];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'slurp-stageout-'));
  for (const directory of ['job', 'out']) mkdirSync(join(root, directory));
  writeFileSync(join(root, 'job', name), 'events');
  gateway = await startRecordingGateway();
  const times = { reportTimeoutMs: 500, inputsTimeoutMs: 500 };
  const job = { submission: '11111111-2222-3333-4444-555555555555', gateway: gateway.url, ...times };
  access = { job: { ...job, mode: 'production' }, token: 'ab'.repeat(32) };
  identity = { cupsid: 7, start: 0, node: 'node', directory: join(root, 'job') };
  said = [];
});
afterEach(async () => {
  await gateway.close();
  rmSync(root, { recursive: true });
});

const job = (): StageOutJob => ({
  identity,
  access,
  signal: new AbortController().signal,
  report: (detail) =>
    reportEvent(identity, access, new Date().toISOString(), detail, { timeoutMs: 500, isPersistent: false }),
  check: (detail) => void checkReport(identity, new Date().toISOString(), detail),
  say: (line) => said.push(line),
  isVerbose: false,
});
const order = (more: Partial<StageOutOrder> = {}): StageOutOrder => ({
  file: join(root, 'job', name),
  directory: join(root, 'out'),
  retries: 0,
  run: 53534,
  segment: 12,
  host: 'lustre',
  dataset: 'new_2024p007',
  dsttype: 'DST_CALO_run2pp',
  isIncrement: false,
  ...more,
});

test('reports the file in its place, and removes the local one once it is registered', async () => {
  await stageOutAndReport(order({ nevents: 5 }), job());
  expect(gateway.events().map(({ detail }) => detail)).toMatchObject([
    { kind: 'stageout', nevents: 5, file: { lfn: name, path: join(root, 'out', name), sizeBytes: 6, events: 5 } },
  ]);
  expect(existsSync(join(root, 'job', name))).toBe(false);
  expect(said).toEqual([]);
});

test('uses the values of the attempt where neither script nor name has them, and an unknown number of events is -1 (C-W25)', async () => {
  writeFileSync(join(root, 'job', 'out.root'), 'events');
  const { run: _r, segment: _s, dsttype: _t, dataset: _d, ...bare } = order({ file: join(root, 'job', 'out.root') });
  await stageOutAndReport(bare, job());
  expect(gateway.events().map(({ detail }) => detail)).toEqual([
    {
      kind: 'stageout',
      file: {
        lfn: 'out.root',
        path: join(root, 'out', 'out.root'),
        host: 'lustre',
        sizeBytes: 6,
        md5: '16908b0605f2645dfcb4c3a8d248cef3',
        events: -1,
      },
    },
  ]);
});

test('what the script says against the name is registered, and stays in the row as a remark (C-W25)', async () => {
  await stageOutAndReport(order({ run: 7106 }), job());
  expect(gateway.events().map(({ detail }) => detail)).toMatchObject([
    { kind: 'stageout', file: { run: 7106, segment: 12 } },
    {
      ...{ kind: 'refused', report: 'stageout', lfn: name, isRemark: true },
      reason: `'${name}' is registered, but --run is '7106', the file name says '53534'`,
    },
  ]);
});

test('copies nothing under a name that is refused, and the row says why (C-W28)', async () => {
  gateway.mood.claim = { isGranted: false, reason: "the name belongs to 'B'" };
  await expect(stageOutAndReport(order(), job())).rejects.toMatchObject({ code: 'transfer-refused' });
  expect(readdirSync(join(root, 'out'))).toEqual([]);
  const reason = `'${join(root, 'out', name)}' is refused: the name belongs to 'B'`;
  expect(gateway.events().map(({ detail }) => detail)).toEqual([
    { kind: 'message', text: `Stage-out of '${name}' failed: ${reason}`, flag: 4 },
    { kind: 'refused', report: 'stageout', reason, lfn: name },
  ]);
});

test('ends with an error, and keeps the local file, where the registration is refused (C-W28)', async () => {
  gateway.mood.refusal = "the name belongs to 'B'";
  await expect(stageOutAndReport(order(), job())).rejects.toMatchObject({
    code: 'transfer-refused',
    message: `'${join(root, 'out', name)}' is in place, but is not registered: the name belongs to 'B'`,
  });
  expect(existsSync(join(root, 'job', name))).toBe(true);
});

test('does not ask for a free name where nothing is to be reported', async () => {
  const { report: _, ...quiet } = job();
  await stageOutAndReport(order(), quiet);
  expect(gateway.claims).toEqual([]);
});

test('reports nothing where nothing is to be reported, and keeps the local file', async () => {
  const { report: _, ...quiet } = job();
  expect(await stageOutAndReport(order(), quiet)).toBeUndefined();
  expect(readdirSync(join(root, 'out'))).toEqual([name]);
  expect(existsSync(join(root, 'job', name))).toBe(true);
  expect(gateway.arrivals()).toBe(0);
});
