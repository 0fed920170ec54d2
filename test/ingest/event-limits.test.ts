import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { putFiles } from '#db/catalog/put-files.ts';
import { openDatabase } from '#db/connect.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { makeCatalogFile } from '#ingest/make-catalog-file.ts';
import { parseEvent } from '#model/job/parse-event.ts';

import { testDatabase } from '../db/test-database.ts';
import { eventOf, makeAttempts, stageoutOf } from './attempts.ts';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';

import type { TestDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let status: Database;
let catalog: Database;

beforeAll(async () => {
  database = await testDatabase();
  status = openDatabase(database.roles.status, { applicationName: 'test' });
  catalog = openDatabase(database.roles.catalog, { applicationName: 'test' });
});
afterAll(async () => {
  await status.close();
  await catalog.close();
  await database.close();
});

const kinds = 'started running finished exitcode nevents inputs message stageout dataset held evicted exited';
const edges = [0, -1, 1, 0.5, 1e6, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) + 1, -(2 ** 31), 1e12, -1e12, 1e12 + 1];
const number = fc.oneof(fc.constantFrom(...edges, 2 ** 53 - 1, 2 ** 53, 1e308), fc.integer(), fc.double());
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom('', '\0', '\uD800', 'x\ny', 'é'.repeat(127), 'é'.repeat(128), '/', `/${'x'.repeat(1999)}`),
);
const file = fc.record({
  lfn: text,
  path: text.map((one) => `/${one}`),
  host: text,
  sizeBytes: number,
  md5: fc.constant('0123456789abcdef0123456789abcdef'),
  run: number,
  segment: number,
  dataset: text,
  dsttype: text,
  events: number,
});
const optional = {
  ...{ node: text, nsegments: number, exitCode: number, nevents: number, isIncrement: fc.boolean() },
  ...{ files: fc.array(text, { maxLength: 5 }), text, flag: number, logsize: number, reason: text, code: number },
  ...{ file, subcode: number, signal: text, cpuSeconds: number, wallSeconds: number, memoryMb: number },
  ...{ word: fc.constantFrom('created', 'updated'), dstname: text, run: number, lastRun: number, parent: text },
  blame: text,
};
const detail = fc.record(
  { kind: fc.constantFrom(...kinds.split(' ')), ...optional },
  { requiredKeys: ['kind', 'node', 'files', 'text', 'reason', 'word', 'dstname', 'blame', 'file'] },
);

it('records whatever the schema accepts', async () => {
  const { ids } = await makeAttempts(status, 1);
  let sequence = 0;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(detail, { minLength: 30, maxLength: 60 }), async (details) => {
      const events: readonly JobEvent[] = details.flatMap((one) => {
        sequence += 1;
        const value = { cupsid: ids[0], source: 'spool', sequence, start: 0, at: '2025-04-10T12:00:00Z', detail: one };
        const parsed = parseEvent(value);
        return parsed.kind === 'event' ? [parsed.event] : [];
      });
      const rows = await recordEvents(
        status,
        events.map((event) => ({ event })),
      );
      expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(events.length === 0 ? [] : ['new']));
      taken += events.length;
    }),
    { numRuns: 15 },
  );
  expect(taken).toBeGreaterThan(100);
});

it('registers the longest names that the schema accepts', async () => {
  // What cannot be compressed is the hardest for an index.
  const letters = (bytes: number): string => randomBytes(bytes).toString('base64url').slice(0, bytes);
  const [lfn, path] = [letters(255), `/${letters(1999)}`];
  const staged = stageoutOf('x');
  const value = eventOf(1, 0, staged);
  const parsed = parseEvent({
    ...value,
    detail: {
      ...staged,
      file: {
        ...(staged.kind === 'stageout' ? staged.file : {}),
        ...{ lfn, path, host: letters(64), dataset: letters(255), dsttype: letters(255) },
        ...{ events: 1e12, sizeBytes: 2 ** 53 - 1, run: 2 ** 31 - 1, segment: 2 ** 31 - 1 },
      },
    },
  });
  const files = parsed.kind === 'event' && parsed.event.detail.kind === 'stageout' ? [parsed.event.detail.file] : [];
  expect(files).toHaveLength(1);
  const product = { dstfile: 'P', dsttype: 'T', dstname: 'N', run: 1, segment: 0 };
  const complete = files.map((file) => makeCatalogFile(file, product));
  await expect(putFiles(catalog, complete)).resolves.toBeUndefined();
});
