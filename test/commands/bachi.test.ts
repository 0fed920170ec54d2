import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { readSpool } from '#job/spool/read-spool.ts';
import { makeJobPlace } from '#test/job/job-place.ts';
import { startRecordingGateway } from '#test/job/recording-gateway.ts';

import type { JobPlace } from '#test/job/job-place.ts';
import type { RecordingGateway } from '#test/job/recording-gateway.ts';
import type { CommandResult } from '#util/run-command.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  scratch = await place.scratch(gateway.url);
});
afterEach(() => gateway.close());

const bachi = (line: readonly string[], env = {}): Promise<CommandResult> =>
  place.run(scratch, ['bachi.py', '--blame', 'cups', ...line], { env });

test('C-W22: reports to the gateway, as a report of the job', async () => {
  expect(await bachi(['created', 'DST_A', '53534', '--parent', 'raw.evt'])).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  expect(gateway.events()).toMatchObject([
    {
      cupsid: 7,
      start: 0,
      detail: { kind: 'dataset', word: 'created', dstname: 'DST_A', run: 53534, parent: 'raw.evt', blame: 'cups' },
    },
  ]);
});

test('C-W22: waits in the spool while the gateway is away, and is delivered once', async () => {
  await gateway.close();
  expect(await bachi(['updated', 'DST_A', '1'])).toMatchObject({ exitCode: 0, stderr: '' });
  expect(readSpool(join(scratch, 'spool-7-0.jsonl')).records).toHaveLength(1);
  await gateway.open();
  await bachi(['finalized', 'DST_A', '1']);
  expect(gateway.events().map(({ detail }) => detail.kind === 'dataset' && detail.word)).toEqual([
    'updated',
    'finalized',
  ]);
});

test('reports that it does not run in a job', async () => {
  expect(await bachi(['updated', 'DST_A', '1'], { cupsid: '' })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('bachi: The job number is unknown: cupsid is not set'),
  });
  rmSync(join(scratch, 'slurp-job.json'));
  expect(await bachi(['updated', 'DST_A', '1'])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining("has no readable 'slurp-job.json'"),
  });
});
