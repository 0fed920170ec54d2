import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { recordEvents } from '#db/status/record-events.ts';

import { openTestStatus } from '../db/test-database.ts';
import { eventOf, makeAttempts, readAttempt, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

import type { TestStatus } from '../db/test-database.ts';

let opened: TestStatus;
let status: Database;

beforeAll(async () => {
  opened = await openTestStatus(8);
  ({ status } = opened);
});
afterAll(() => opened.close());

async function record(events: readonly JobEvent[]): Promise<readonly string[]> {
  const rows = await recordEvents(
    status,
    events.map((event) => ({ event })),
  );
  return rows.map((row) => row.outcome);
}

async function newAttempt(): Promise<number> {
  const { ids } = await makeAttempts(status, 1);
  return ids[0] ?? 0;
}

/** Tells an attempt these things in order, in one spool of start 0, and reads what came of it. */
async function recordReports(...details: readonly JobEventDetail[]): Promise<Row> {
  const id = await newAttempt();
  await record(details.map((detail, index) => eventOf(id, index, detail)));
  return readAttempt(status, id);
}

const started: JobEventDetail = { kind: 'started', node: 'node1' };
const running: JobEventDetail = { kind: 'running' };
const second = (n: number): Date => new Date(Date.UTC(2025, 3, 10, 12, 0, n));

describe('record_events', () => {
  it('follows a job from its start to its end', async () => {
    const row = await recordReports(
      started,
      running,
      stageoutOf('DST_A.root'),
      { kind: 'nevents', nevents: 40, isIncrement: true },
      { kind: 'message', text: 'all well', flag: 5, logsize: 12 },
      { kind: 'finished', exitCode: 0, nevents: 2, isIncrement: true },
    );
    expect(row).toEqual({
      status: 'finished',
      start: 0,
      started: second(0),
      running: second(1),
      ended: second(5),
      last_message: second(5),
      flags: 5,
      exit_code: 0,
      nevents: 42,
      nsegments: 1,
      inputs: '/raw/a.prdf,/raw/b.prdf',
      execution_node: 'node1',
      message: 'all well',
      logsize: 12,
      hold_code: null,
      hold_subcode: null,
      cpu_seconds: null,
      memory_mb: null,
    });
  });

  it.each<[string, JobEventDetail, string, number | null]>([
    ['finished without exit code', { kind: 'finished' }, 'finished', null],
    ['finished with exit code 0', { kind: 'finished', exitCode: 0 }, 'finished', 0],
    ['finished with exit code -1', { kind: 'finished', exitCode: -1 }, 'finished', -1],
    ['finished with exit code 255', { kind: 'finished', exitCode: 255 }, 'failed', 255],
    ['exitcode 0', { kind: 'exitcode', exitCode: 0 }, 'finished', 0],
    ['exitcode 3', { kind: 'exitcode', exitCode: 3 }, 'failed', 3],
    ['exited with 0', { kind: 'exited', exitCode: 0 }, 'finished', 0],
    ['exited with 1', { kind: 'exited', exitCode: 1 }, 'failed', 1],
    ['exited by a signal', { kind: 'exited', signal: 'SIGKILL' }, 'failed', null],
    ['removed', { kind: 'removed', reason: 'by hand' }, 'failed', null],
    ['vanished', { kind: 'vanished', reason: 'not in queue, not in history' }, 'failed', null],
  ])('C-E3: ends a job that is said to be %s', async (_, word, state, exitCode) => {
    expect(await recordReports(started, word)).toMatchObject({ status: state, exit_code: exitCode, ended: second(1) });
  });

  it('C-E2: changes only what was given when a job finishes', async () => {
    const row = await recordReports(
      started,
      { kind: 'running', nsegments: 3 },
      { kind: 'nevents', nevents: 7 },
      { kind: 'finished' },
    );
    expect(row).toMatchObject({ nsegments: 3, nevents: 7 });
  });

  it('C-E4: counts a segment for each staged file, on top of what was set', async () => {
    const row = await recordReports(
      stageoutOf('A'),
      { kind: 'running', nsegments: 2 },
      stageoutOf('B'),
      stageoutOf('C'),
    );
    expect(row).toMatchObject({ nsegments: 4, message: 'last stageout C', status: 'running' });
  });

  it('C-E5: sets the number of events, or adds to it', async () => {
    const row = await recordReports(
      { kind: 'nevents', nevents: 1000, isIncrement: true },
      { kind: 'nevents', nevents: 10 },
      { kind: 'nevents', nevents: 5, isIncrement: true },
      { kind: 'finished', nevents: -1, isIncrement: true },
    );
    expect(row).toMatchObject({ nevents: 14 });
  });

  it('C-E6: ors flags, bit 32 too', async () => {
    const flags = [3, 2, 2 ** 32].map((flag): JobEventDetail => ({ kind: 'message', text: '', flag }));
    expect(await recordReports(...flags)).toMatchObject({ flags: 2 ** 32 + 3 });
  });

  it('C-E7: keeps what is reported after the end', async () => {
    const row = await recordReports(
      started,
      { kind: 'finished', exitCode: 0 },
      { kind: 'message', text: 'late', flag: 8, logsize: 9 },
    );
    expect(row).toMatchObject({ status: 'finished', message: 'late', flags: 8, logsize: 9, ended: second(1) });
  });

  it('C-E8: keeps inputs as a comma list, and gives them back to a new start', async () => {
    const id = await newAttempt();
    await record([eventOf(id, 0, { kind: 'inputs', files: ['x', 'y'] })]);
    expect(await readAttempt(status, id)).toMatchObject({ inputs: 'x,y' });
    await record([eventOf(id, 0, started, { start: 1, source: 'second' })]);
    expect(await readAttempt(status, id)).toMatchObject({ inputs: '/raw/a.prdf,/raw/b.prdf' });
  });

  it('C-E1: does not let a late report move a job backwards', async () => {
    const row = await recordReports({ kind: 'finished', exitCode: 0 }, running, started);
    expect(row).toMatchObject({ status: 'finished' });
  });

  it('lets the first known of two contradicting ends win', async () => {
    const id = await newAttempt();
    await record([eventOf(id, 9, { kind: 'finished', exitCode: 1 })]);
    await record([eventOf(id, 1, { kind: 'finished', exitCode: 0 })]);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'failed', exit_code: 1 });
  });

  it('leaves held and evicted by a new start, and counts that start alone', async () => {
    const id = await newAttempt();
    const batch = { source: 'batch:0' };
    await record([eventOf(id, 0, started), eventOf(id, 1, { kind: 'nevents', nevents: 50 })]);
    await record([eventOf(id, 2, { kind: 'held', reason: 'memory', code: 34, subcode: 2 }, batch)]);
    expect(await readAttempt(status, id)).toMatchObject({
      status: 'held',
      message: 'memory',
      hold_code: 34,
      hold_subcode: 2,
    });
    await record([eventOf(id, 3, { kind: 'released' }, batch)]);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'submitted' });
    await record([eventOf(id, 4, running)]);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'submitted' });
    await record([eventOf(id, 0, started, { start: 1, source: 'again', at: '2025-04-10T13:00:00.000Z' })]);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'started', start: 1, nevents: 0, hold_code: null });
    await record([eventOf(id, 5, { kind: 'evicted', reason: 'preempted' }, { source: 'batch:1', start: 1 })]);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'evicted', message: 'preempted' });
  });

  it('follows the lines of a spool, whatever the clock of its node says', async () => {
    const id = await newAttempt();
    await record([
      eventOf(id, 1, { kind: 'nevents', nevents: 1 }, { at: '2025-04-10T12:00:00.000Z' }),
      eventOf(id, 2, { kind: 'nevents', nevents: 2 }, { at: '2025-04-10T11:00:00.000Z' }),
    ]);
    expect(await readAttempt(status, id)).toMatchObject({ nevents: 2 });
  });

  it('distinguishes new, repeated, unknown and foreign events, and keeps nothing of the last two', async () => {
    const [own, other] = [await makeAttempts(status, 1), await makeAttempts(status, 1)];
    const [mine, foreign] = [own.ids[0] ?? 0, other.ids[0] ?? 0];
    const { submission } = own;
    const events = [
      eventOf(mine, 0, started),
      eventOf(mine, 0, running),
      eventOf(2_000_000, 0, running),
      eventOf(foreign, 0, running),
    ];
    const rows = await recordEvents(
      status,
      events.map((event) => ({ event, submission })),
    );
    expect(rows).toEqual([
      { outcome: 'new', go: true, reason: null },
      { outcome: 'duplicate', go: null, reason: null },
      { outcome: 'unknown-attempt', go: null, reason: null },
      { outcome: 'forbidden', go: null, reason: null },
    ]);
    expect(await readAttempt(status, foreign)).toMatchObject({ status: 'submitted' });
  });

  it('recognises an event again although its clock was changed', async () => {
    const id = await newAttempt();
    await record([eventOf(id, 0, started)]);
    expect(await record([eventOf(id, 0, started, { at: '2031-01-01T00:00:00.000Z' })])).toEqual(['duplicate']);
  });

  it('keeps an end that no event reports', async () => {
    const id = await newAttempt();
    await status.execute(
      sql`update ${sql.table(status.role, 'production_status')} set status = 'finished', nevents = 99 where id = ${id}`,
    );
    const [row] = await recordEvents(status, [{ event: eventOf(id, 0, started) }]);
    expect(row).toEqual({ outcome: 'new', go: false, reason: 'already finished' });
    expect(await readAttempt(status, id)).toMatchObject({ status: 'finished', nevents: 99 });
  });
});

describe('the fence', () => {
  const verdict = async (id: number, start = 0, sequence = 0): Promise<Row> => {
    const event = eventOf(id, sequence, started, { start, source: `spool ${start}` });
    const [row] = await recordEvents(status, [{ event }]);
    return { go: row?.go, reason: row?.reason };
  };

  it('lets a live attempt start, however often it asks', async () => {
    const id = await newAttempt();
    expect(await verdict(id)).toEqual({ go: true, reason: null });
    expect(await verdict(id)).toEqual({ go: true, reason: null });
    expect(await verdict(id, 1)).toEqual({ go: true, reason: null });
  });

  it('stops an attempt that is retired', async () => {
    const id = await newAttempt();
    await status.execute(sql`update ${sql.table(status.role, 'production_status')}
      set retired_at = now(), retired_reason = 'replaced by 7' where id = ${id}`);
    expect(await verdict(id)).toEqual({ go: false, reason: 'retired: replaced by 7' });
  });

  it('stops a new start of an attempt that has ended, but not the start that ended it', async () => {
    const id = await newAttempt();
    await verdict(id);
    await record([eventOf(id, 5, { kind: 'finished', exitCode: 0 })]);
    expect(await verdict(id)).toEqual({ go: true, reason: null });
    expect(await verdict(id, 1)).toEqual({ go: false, reason: 'already finished' });
  });

  it('stops a job that the batch system had given up', async () => {
    const id = await newAttempt();
    await record([eventOf(id, 0, { kind: 'vanished', reason: 'nowhere' }, { source: 'batch:-1', start: -1 })]);
    expect(await verdict(id)).toEqual({ go: false, reason: 'already failed' });
  });
});

const someDetail = fc.oneof(
  fc.constant(started),
  fc.record({ kind: fc.constant('running' as const), nsegments: fc.nat(5) }),
  fc.constant(running),
  fc.record({ kind: fc.constant('nevents' as const), nevents: fc.nat(100), isIncrement: fc.boolean() }),
  fc.record({ kind: fc.constant('message' as const), text: fc.constantFrom('a', 'b', 'c'), flag: fc.nat(63) }),
  fc.constantFrom('A', 'B').map((lfn) => stageoutOf(lfn)),
  fc.record({ kind: fc.constant('inputs' as const), files: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('held' as const), reason: fc.constantFrom('h', 'i'), code: fc.nat(40) }),
  fc.constant({ kind: 'released' as const }),
  fc.constant({ kind: 'evicted' as const }),
);
const someEnd = fc.constantFrom<JobEventDetail>(
  { kind: 'finished', exitCode: 0, nevents: 3, isIncrement: true },
  { kind: 'finished', exitCode: 2 },
  { kind: 'exited', exitCode: 1, memoryMb: 5 },
  { kind: 'vanished', reason: 'gone' },
);
const someEvent = fc.record({
  detail: someDetail,
  start: fc.integer({ min: -1, max: 2 }),
  source: fc.constantFrom('p', 'q'),
  minute: fc.nat(5),
});

describe('any order, any grouping, any repetition', () => {
  it('computes the same from the same events', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(someEvent, { minLength: 1, maxLength: 12 }),
        fc.option(fc.record({ detail: someEnd, start: fc.integer({ min: -1, max: 2 }) })),
        fc.infiniteStream(fc.nat(1000)),
        async (some, end, randoms) => {
          const { ids } = await makeAttempts(status, 2);
          const reports = end === null ? some : [...some, { ...end, source: 'p', minute: 2 }];
          const eventsOf = (id: number): readonly JobEvent[] =>
            reports.map(({ detail, start, source, minute }, index) =>
              eventOf(id, index, detail, {
                start,
                source: `${source} ${start}`,
                at: `2025-04-10T12:0${minute}:00.000Z`,
              }),
            );
          const next = (): number => Number(randoms.next().value);
          const shuffled = [...eventsOf(ids[1] ?? 0), ...eventsOf(ids[1] ?? 0)]
            .map((event) => ({ event, key: next() }))
            .toSorted((one, other) => one.key - other.key)
            .map(({ event }) => event);
          await record(eventsOf(ids[0] ?? 0));
          for (let from = 0; from < shuffled.length;) {
            const to = from + 1 + (next() % 5);
            await record(shuffled.slice(from, to));
            from = to;
          }
          expect(await readAttempt(status, ids[1] ?? 0)).toEqual(await readAttempt(status, ids[0] ?? 0));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('loses and deadlocks nothing with eight writers at the same attempts', async () => {
    const { ids } = await makeAttempts(status, 12);
    const writer = async (number: number): Promise<void> => {
      for (let round = 0; round < 12; round += 1) {
        const events = ids.map((id) =>
          eventOf(id, round, { kind: 'nevents', nevents: 1, isIncrement: true }, { source: `writer ${number}` }),
        );
        // Each writer names the attempts in an order of its own, and reports a part twice.
        const turned = [...events.slice(number), ...events.slice(0, number)];
        await record(number % 2 === 0 ? turned : turned.toReversed());
        await record(turned.slice(0, 3));
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
    const rows = await Promise.all(ids.map((id) => readAttempt(status, id)));
    expect(rows.map((row) => row['nevents'])).toEqual(ids.map(() => 96));
  });
});
