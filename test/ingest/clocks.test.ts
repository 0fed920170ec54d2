import { afterAll, beforeAll, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { findStageouts } from '#db/status/find-stageouts.ts';
import { recordEvents } from '#db/status/record-events.ts';

import { openTestStatus } from '../db/test-database.ts';
import { eventOf, makeAttempts, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

import type { TestStatus } from '../db/test-database.ts';

let opened: TestStatus;
let status: Database;

beforeAll(async () => {
  opened = await openTestStatus(2);
  ({ status } = opened);
});
afterAll(() => opened.close());

const dayMs = 24 * 3_600_000;
const started: JobEventDetail = { kind: 'started', node: 'n' };
const finished: JobEventDetail = { kind: 'finished', exitCode: 0 };
const noon = Date.UTC(2025, 3, 10, 12);
const at = (ms: number): string => new Date(noon + ms).toISOString();

async function newAttempt(): Promise<number> {
  const { ids } = await makeAttempts(status, 1);
  return ids[0] ?? 0;
}

/** Records events of which the sender's clock was so far behind ours. */
async function send(clockOffsetMs: number | undefined, ...events: readonly JobEvent[]): Promise<void> {
  await recordEvents(
    status,
    events.map((event) => ({ event, ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }) })),
  );
}

async function readTimes(id: number): Promise<Row> {
  const [row] = await status.query<{ started: Date | null; ended: Date | null; last_message: Date }>(sql`
    select started, ended, last_message from ${sql.table(status.role, 'production_status')} where id = ${id}`);
  const ms = (time: Date | null | undefined) => (time == null ? null : time.getTime() - noon);
  return { started: ms(row?.started), ended: ms(row?.ended), last: ms(row?.last_message) };
}

it('C-E16: moves what a clock said that was a day off, and keeps both times', async () => {
  const id = await newAttempt();
  await send(undefined, eventOf(id, 0, started, { source: 'batch:0', at: at(0) }));
  await send(dayMs, eventOf(id, 0, finished, { at: at(5000 - dayMs) }));
  expect(await readTimes(id)).toEqual({ started: 0, ended: 5000, last: 5000 });
  const events = sql.table(status.role, 'production_event');
  const [row] = await status.query(
    sql`select at, clock_offset_ms from ${events} where cupsid = ${id} and kind = 'finished'`,
  );
  expect(row).toEqual({ at: new Date(noon + 5000 - dayMs), clock_offset_ms: dayMs });
});

it.each([60_000, -60_000, 0])('believes a clock that is %i ms off', async (offsetMs) => {
  const id = await newAttempt();
  await send(offsetMs, eventOf(id, 0, started, { at: at(0) }));
  expect(await readTimes(id)).toMatchObject({ started: 0 });
});

it('goes by the clock at each report, where the node sets it right meanwhile', async () => {
  const id = await newAttempt();
  await send(-dayMs, eventOf(id, 0, started, { at: at(dayMs) }));
  await send(0, eventOf(id, 1, finished, { at: at(7000) }));
  expect(await readTimes(id)).toEqual({ started: 0, ended: 7000, last: 7000 });
});

it('uses for a spool that was copied to the site what was known of its clock before', async () => {
  const id = await newAttempt();
  await send(-dayMs, eventOf(id, 0, started, { at: at(dayMs) }));
  await send(undefined, eventOf(id, 1, finished, { at: at(dayMs + 7000) }));
  expect(await readTimes(id)).toEqual({ started: 0, ended: 7000, last: 7000 });
});

it('learns the clock when reports are sent that had been copied before', async () => {
  const id = await newAttempt();
  const events = [eventOf(id, 0, started, { at: at(dayMs) }), eventOf(id, 1, finished, { at: at(dayMs + 7000) })];
  await send(undefined, ...events);
  expect(await readTimes(id)).toMatchObject({ started: dayMs });
  await send(-dayMs, ...events);
  expect(await readTimes(id)).toEqual({ started: 0, ended: 7000, last: 7000 });
});

it('dates nothing later than its report, whatever is known of a clock', async () => {
  const id = await newAttempt();
  const before = Date.now();
  await send(undefined, eventOf(id, 0, started, { at: '2150-01-01T00:00:00.000Z' }));
  const { started: moment } = await readTimes(id);
  expect(Number(moment) + noon).toBeGreaterThanOrEqual(before - 1000);
  expect(Number(moment) + noon).toBeLessThanOrEqual(Date.now() + 1000);
});

it('does not mistake late delivery for a wrong clock', async () => {
  const id = await newAttempt();
  await send(20, eventOf(id, 0, started, { at: at(-30 * dayMs) }), eventOf(id, 1, finished, { at: at(-29 * dayMs) }));
  expect(await readTimes(id)).toEqual({ started: -30 * dayMs, ended: -29 * dayMs, last: -29 * dayMs });
});

it('recognises a repeated report, however wrong its clock is the second time', async () => {
  const id = await newAttempt();
  const event = eventOf(id, 0, started, { at: at(dayMs) });
  await send(-dayMs, event);
  await send(-2 * dayMs, event);
  expect(await readTimes(id)).toMatchObject({ started: 0 });
  const events = sql.table(status.role, 'production_event');
  expect(await status.query(sql`select 1 from ${events} where cupsid = ${id}`)).toHaveLength(1);
});

it('orders what different clocks say by ours', async () => {
  const id = await newAttempt();
  await send(-dayMs, eventOf(id, 0, { kind: 'message', text: 'first' }, { at: at(dayMs) }));
  await send(0, eventOf(id, 0, { kind: 'message', text: 'second' }, { at: at(60_000), source: 'batch:0' }));
  const [row] = await status.query(
    sql`select message from ${sql.table(status.role, 'production_status')} where id = ${id}`,
  );
  expect(row).toEqual({ message: 'second' });
});

it('uses the later of two stage-outs of one file by our clock', async () => {
  const id = await newAttempt();
  const stageout = stageoutOf('DST_CLOCK.root');
  await send(-dayMs, eventOf(id, 0, stageout, { at: at(dayMs) }));
  await send(0, eventOf(id, 7, stageout, { at: at(60_000), source: 'second' }));
  const keys = [
    { cupsid: id, source: 'spool', sequence: 0 },
    { cupsid: id, source: 'second', sequence: 7 },
  ];
  const found = await findStageouts(status, keys);
  expect(Object.fromEntries(found.map(({ source, isSuperseded }) => [source, isSuperseded]))).toEqual({
    second: false,
    spool: true,
  });
});

it('dates reports about a dataset by our clock', async () => {
  const id = await newAttempt();
  const detail: JobEventDetail = { kind: 'dataset', word: 'created', dstname: `DST_${id}`, run: 1, blame: 'x' };
  await send(-dayMs, eventOf(id, 0, detail, { at: at(dayMs) }));
  const [row] = await status.query(
    sql`select created from ${sql.table(status.role, 'dataset_status')} where dstname = ${`DST_${id}`}`,
  );
  expect(row).toEqual({ created: new Date(noon) });
});
