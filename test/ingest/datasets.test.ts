import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { recordEvents } from '#db/status/record-events.ts';

import { openTestStatus } from '../db/test-database.ts';
import { eventOf, makeAttempts, readAttempt } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { DatasetDetail, JobEvent } from '#model/job/job-event.ts';

import type { TestStatus } from '../db/test-database.ts';

let opened: TestStatus;
let status: Database;
let cupsid: number;
let count = 0;

beforeAll(async () => {
  opened = await openTestStatus();
  ({ status } = opened);
  [cupsid = 0] = (await makeAttempts(status, 1)).ids;
});
afterAll(() => opened.close());

const event = (dstname: string, word: DatasetDetail['word'], more: Partial<DatasetDetail> = {}): JobEvent =>
  eventOf(cupsid, count++, { kind: 'dataset', word, dstname, run: 5, blame: 'cups', ...more });
const record = (...events: readonly JobEvent[]): Promise<unknown> =>
  recordEvents(
    status,
    events.map((one) => ({ event: one })),
  );
const read = (dstname: string): Promise<readonly Row[]> =>
  status.query(sql`
    select run, lastrun, revision, nsegments, parent, status, blame, created is not null as created,
           updated is not null as updated, finalized is not null as finalized, broken is not null as broken
    from ${sql.table(status.role, 'dataset_status')} where dstname = ${dstname} order by lastrun`);

const never = { created: false, updated: false, finalized: false, broken: false };

test('C-W22: one row a dataset, whose segments count once however often they are reported', async () => {
  const events = [
    event('DST_A', 'created', { parent: 'raw.evt' }),
    event('DST_A', 'updated'),
    event('DST_A', 'updated'),
    event('DST_A', 'finalized', { blame: 'me' }),
  ];
  await record(...events.slice(0, 2));
  await record(...events);
  await record(...events, ...events);
  expect(await read('DST_A')).toEqual([
    {
      ...{ run: 5, lastrun: 0, revision: 1, nsegments: 2, parent: 'raw.evt', status: 'finalized', blame: 'me' },
      ...{ created: true, updated: true, finalized: true, broken: false },
    },
  ]);
});

test('C-W22: the same row in whatever order it comes to be known', async () => {
  const events = [
    event('DST_B', 'created'),
    event('DST_B', 'updated'),
    event('DST_B', 'created', { parent: 'DST_A' }),
    event('DST_B', 'broken', { blame: 'me' }),
  ];
  for (const one of events.toReversed()) await record(one);
  expect(await read('DST_B')).toEqual([
    {
      ...{ run: 5, lastrun: 0, revision: 2, nsegments: 1, parent: 'DST_A', status: 'broken', blame: 'me' },
      ...{ ...never, created: true, updated: true, broken: true },
    },
  ]);
});

test('C-W22: ranges of runs are datasets of their own; a report without a last run means the newest', async () => {
  await record(
    event('DST_C', 'created', { lastRun: 9 }),
    event('DST_C', 'updated'),
    event('DST_C', 'finalized', { lastRun: 7 }),
  );
  expect(await read('DST_C')).toMatchObject([
    { lastrun: 7, revision: 0, nsegments: 0, status: 'finalized' },
    { lastrun: 9, revision: 1, nsegments: 1, status: 'updated' },
  ]);
});

test('leaves the attempt where it is', async () => {
  await record(event('DST_D', 'broken'));
  expect(await readAttempt(status, cupsid)).toMatchObject({ status: 'submitted', nsegments: 0, message: null });
});
