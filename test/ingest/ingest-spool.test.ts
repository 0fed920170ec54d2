import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '#db/connect.ts';
import { ingestSpool } from '#ingest/ingest-spool.ts';

import { testDatabase } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';
import { makeAttempts, readAttempt } from './attempts.ts';

import type { Database } from '#db/connect.ts';
import type { IngestResources } from '#ingest/ingest-events.ts';

import type { TestDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let resources: IngestResources;
const opened: Database[] = [];

beforeAll(async () => {
  database = await testDatabase();
  const [status, catalog] = [database.roles.status, database.roles.catalog].map((role) =>
    openDatabase(role, { applicationName: 'test' }),
  );
  if (status === undefined || catalog === undefined) throw new Error('unreachable');
  opened.push(status, catalog);
  resources = { status, catalog, log: silentLog };
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await database.close();
});

const noon = '2025-04-10T12:00:00.000Z';
const line = (cupsid: number, detail: object): string =>
  `${JSON.stringify({ v: 1, cupsid, start: 0, at: noon, detail })}\n`;
const header = (cupsid: number): string =>
  `${JSON.stringify({ v: 1, source: `spool of ${cupsid}`, cupsid, start: 0 })}\n`;

async function newAttempt(): Promise<number> {
  const { ids } = await makeAttempts(resources.status, 1);
  return ids[0] ?? 0;
}

describe('ingestSpool', () => {
  it('ingests a copied spool, and changes nothing the second time', async () => {
    const id = await newAttempt();
    const text =
      header(id) +
      line(id, { kind: 'started', node: 'n' }) +
      line(id, { kind: 'nevents', nevents: 5, isIncrement: true }) +
      line(id, { kind: 'finished', exitCode: 0 });
    const first = await ingestSpool(resources, Buffer.from(text));
    expect(first).toEqual({
      counts: { new: 3, duplicate: 0, 'unknown-attempt': 0, forbidden: 0, invalid: 0 },
      refused: [],
      tornBytes: 0,
    });
    const row = await readAttempt(resources.status, id);
    expect(row).toMatchObject({ status: 'finished', nevents: 5 });
    expect((await ingestSpool(resources, Buffer.from(text))).counts).toMatchObject({ new: 0, duplicate: 3 });
    expect(await readAttempt(resources.status, id)).toEqual(row);
  });

  it('reports invalid lines, leaves the torn end, and records the rest', async () => {
    const id = await newAttempt();
    const text =
      header(id) +
      'garbage\n' +
      line(id, { kind: 'started', node: 'n' }) +
      line(id, { kind: 'nevents', nevents: 'many' }) +
      line(id + 1, { kind: 'running' }) +
      line(id, { kind: 'running' }) +
      '{"v":1,"att';
    const report = await ingestSpool(resources, Buffer.from(text), { cupsid: id });
    expect(report).toEqual({
      counts: { new: 2, duplicate: 0, 'unknown-attempt': 0, forbidden: 0, invalid: 3 },
      refused: [
        { line: 2, reason: 'is not a JSON record' },
        { line: 4, reason: "detail.nevents is 'many': expected a whole number from -1000000000000 to 1000000000000" },
        { line: 5, reason: `speaks for cupsid ${id + 1}: expected ${id}, as in the file's name` },
      ],
      tornBytes: 11,
    });
    expect(await readAttempt(resources.status, id)).toMatchObject({ status: 'running' });
  });

  it('accepts from a job nothing that only the batch system can know (C-E18)', async () => {
    const id = await newAttempt();
    const text = header(id) + line(id, { kind: 'vanished', reason: 'x' }) + line(id, { kind: 'running' });
    const { counts, refused } = await ingestSpool(resources, Buffer.from(text));
    expect(counts).toMatchObject({ new: 1, invalid: 1 });
    expect(refused).toEqual([{ line: 2, reason: "'vanished' is reported by the batch system, and not by a job" }]);
    expect(await readAttempt(resources.status, id)).toMatchObject({ status: 'running' });
  });

  it('names unknown attempts', async () => {
    const report = await ingestSpool(resources, Buffer.from(header(1_000_000) + line(1_000_000, { kind: 'running' })));
    expect(report.refused).toEqual([{ line: 2, reason: 'unknown-attempt 1000000' }]);
  });

  it('refuses the spool of another site, whose attempt has the number of one of ours', async () => {
    const id = await newAttempt();
    const head = JSON.stringify({ v: 1, source: 'foreign', cupsid: id, start: 0, submission: randomUUID() });
    const report = await ingestSpool(resources, Buffer.from(`${head}\n${line(id, { kind: 'running' })}`));
    expect(report.refused).toEqual([
      { line: 2, reason: `cupsid ${id} does not belong to the submission in the spool: it is from another site` },
    ]);
    expect(await readAttempt(resources.status, id)).toMatchObject({ status: 'submitted' });
  });

  it('records nothing from a spool without an attempt in its header', async () => {
    const id = await newAttempt();
    const report = await ingestSpool(resources, Buffer.from(line(id, { kind: 'running' })));
    expect(report.refused).toEqual([{ line: 1, reason: 'the spool has no header, so its source is unknown' }]);
  });
});
