import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { recordEvents } from '#db/status/record-events.ts';

import { openTestStatus } from '../db/test-database.ts';
import { eventOf, makeAttempts, readAttempt, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

import type { TestStatus } from '../db/test-database.ts';
import type { AttemptTerms } from './attempts.ts';

let opened: TestStatus;
let status: Database;

beforeAll(async () => {
  opened = await openTestStatus(2);
  ({ status } = opened);
});
afterAll(() => opened.close());

async function record(...events: readonly JobEvent[]): Promise<readonly Row[]> {
  const rows = await recordEvents(
    status,
    events.map((event) => ({ event })),
  );
  return rows.map(({ outcome, go, reason }) => ({ outcome, go, reason }));
}

async function newAttempt(terms: AttemptTerms = { canRestart: true }): Promise<number> {
  const { ids } = await makeAttempts(status, 1, terms);
  return ids[0] ?? 0;
}

const started: JobEventDetail = { kind: 'started', node: 'node1' };
const second = (n: number): Date => new Date(Date.UTC(2025, 3, 10, 12, 0, n));

/** What a job's own spool of one start says, reported `at` seconds after noon. */
const own = (id: number, start: number, at: number, detail: JobEventDetail): JobEvent =>
  eventOf(id, at, detail, { start, source: `spool ${start}` });
const batch = (id: number, start: number, at: number, detail: JobEventDetail): JobEvent =>
  eventOf(id, at, detail, { start, source: `batch:${start}` });

describe('a job that the batch system may start again', () => {
  it('C-E13: waits for the batch system after a failing end, and says how it ended', async () => {
    const id = await newAttempt();
    await record(own(id, 0, 0, started), own(id, 0, 5, { kind: 'finished', exitCode: 3 }));
    expect(await readAttempt(status, id)).toMatchObject({
      ...{ status: 'evicted', start: 0, ended: null, exit_code: 3 },
      message: 'Ended with exit code 3; the batch system may start it again',
    });
  });

  it('keeps what the job itself said last', async () => {
    const id = await newAttempt();
    await record(
      own(id, 0, 4, { kind: 'message', text: 'no space on /data' }),
      own(id, 0, 5, { kind: 'finished', exitCode: 3 }),
    );
    expect(await readAttempt(status, id)).toMatchObject({ status: 'evicted', message: 'no space on /data' });
  });

  it('C-E13: may start again, and finishes at the second start', async () => {
    const id = await newAttempt();
    await record(
      own(id, 0, 0, started),
      own(id, 0, 5, { kind: 'finished', exitCode: 3 }),
      own(id, 0, 6, { kind: 'exited', exitCode: 3 }),
    );
    const [again] = await record(own(id, 1, 10, started));
    expect(again).toEqual({ outcome: 'new', go: true, reason: null });
    expect(await readAttempt(status, id)).toMatchObject({
      ...{ status: 'started', start: 1, started: second(10), exit_code: null, message: null },
    });
    await record(own(id, 1, 20, { kind: 'finished', exitCode: 0 }));
    expect(await readAttempt(status, id)).toMatchObject({ status: 'finished', ended: second(20), exit_code: 0 });
  });

  it('is stopped at a new start after it has finished', async () => {
    const id = await newAttempt();
    await record(own(id, 0, 5, { kind: 'finished', exitCode: 0 }));
    expect(await record(own(id, 1, 10, started))).toEqual([{ outcome: 'new', go: false, reason: 'already finished' }]);
  });

  it.each<[string, JobEventDetail, string, number | null]>([
    ['exited with 4', { kind: 'exited', exitCode: 4 }, 'failed', 3],
    ['exited by a signal', { kind: 'exited', signal: 'SIGKILL' }, 'failed', 3],
    ['removed', { kind: 'removed', reason: 'by hand' }, 'failed', 3],
    ['vanished', { kind: 'vanished', reason: 'nowhere' }, 'failed', 3],
    ['exited with 0, which the script contradicted', { kind: 'exited', exitCode: 0 }, 'failed', 3],
  ])('is failed when the batch system says: %s', async (_, detail, state, exitCode) => {
    const id = await newAttempt();
    await record(own(id, 2, 5, { kind: 'finished', exitCode: 3 }), batch(id, 2, 9, detail));
    expect(await readAttempt(status, id)).toMatchObject({ status: state, exit_code: exitCode, ended: second(5) });
    expect(await record(own(id, 3, 10, started))).toEqual([{ outcome: 'new', go: false, reason: 'already failed' }]);
  });

  it('finishes where a later start, of which nothing was heard, ended without error', async () => {
    const id = await newAttempt();
    await record(own(id, 0, 5, { kind: 'finished', exitCode: 3 }), batch(id, 1, 9, { kind: 'exited', exitCode: 0 }));
    expect(await readAttempt(status, id)).toMatchObject({ status: 'finished', start: 1, exit_code: 0 });
  });

  it('goes by what its script said, not by the exit code of the whole job', async () => {
    const id = await newAttempt();
    await record(own(id, 0, 5, { kind: 'finished', exitCode: 3 }), own(id, 0, 6, { kind: 'exited', exitCode: 0 }));
    expect(await readAttempt(status, id)).toMatchObject({ status: 'evicted', exit_code: 3 });
  });

  it('is held after a failing end, and continues when it is released', async () => {
    const id = await newAttempt();
    await record(
      own(id, 0, 5, { kind: 'exitcode', exitCode: 3 }),
      batch(id, 0, 7, { kind: 'held', reason: 'on_exit_hold', code: 3 }),
    );
    expect(await readAttempt(status, id)).toMatchObject({ status: 'held', hold_code: 3 });
    await record(batch(id, 0, 8, { kind: 'released' }));
    expect(await readAttempt(status, id)).toMatchObject({ status: 'submitted' });
    expect(await record(own(id, 1, 9, started))).toEqual([{ outcome: 'new', go: true, reason: null }]);
  });
});

describe('a job whose success is another exit code than 0', () => {
  const terms = { canRestart: true, successExitCode: 3 };
  it.each<[string, JobEventDetail, string]>([
    ['the launcher says 3', { kind: 'exited', exitCode: 3 }, 'finished'],
    ['the launcher says 0', { kind: 'exited', exitCode: 0 }, 'evicted'],
    ['the script says finished -e 3', { kind: 'finished', exitCode: 3 }, 'finished'],
    ['the script says finished -e 0', { kind: 'finished', exitCode: 0 }, 'finished'],
    ['the script says finished', { kind: 'finished' }, 'finished'],
    ['the script says finished -e 4', { kind: 'finished', exitCode: 4 }, 'evicted'],
  ])('C-E14: %s', async (_, detail, state) => {
    const id = await newAttempt(terms);
    await record(own(id, 0, 5, detail));
    expect(await readAttempt(status, id)).toMatchObject({ status: state });
  });

  it.each([
    [3, 'finished'],
    [0, 'failed'],
  ])('C-E14: the batch system says %i', async (exitCode, state) => {
    const id = await newAttempt(terms);
    await record(batch(id, 0, 5, { kind: 'exited', exitCode }));
    expect(await readAttempt(status, id)).toMatchObject({ status: state, exit_code: exitCode });
  });
});

/** A run of a job with as many starts as there are codes, each ended by its script, its launcher or both. */
const someStarts = fc.array(
  fc.record({
    code: fc.nat(2),
    hasStarted: fc.boolean(),
    isSaid: fc.boolean(),
    hasLauncher: fc.boolean(),
    isHeld: fc.boolean(),
    minutes: fc.nat(3),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('any order, any grouping, any repetition, with starts that fail', () => {
  it('computes the same from the same events', async () => {
    await fc.assert(
      fc.asyncProperty(
        someStarts,
        fc.option(fc.constantFrom('exited', 'removed', 'vanished')),
        fc.record({ canRestart: fc.boolean(), isProductRequired: fc.boolean() }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(1000)),
        async (starts, batchEnd, terms, hasProduct, randoms) => {
          const { ids, dstfiles } = await makeAttempts(status, 2, terms);
          // A start without error is the last, and so is the first failure where nothing is started again.
          const last = starts.findIndex(({ code }) => code === 0 || !terms.canRestart);
          const ran = starts.slice(0, last === -1 ? starts.length : last + 1);
          const product = (index: number): JobEventDetail => stageoutOf(`${dstfiles[index] ?? ''}.root`);
          const eventsOf = (index: number): readonly JobEvent[] =>
            ran.flatMap((one, start) => {
              const id = ids[index] ?? 0;
              const at = `2025-04-10T12:${String(start * 4 + one.minutes).padStart(2, '0')}:00.000Z`;
              const said: readonly JobEventDetail[] = [
                ...(one.hasStarted ? [started] : []),
                ...(one.isSaid
                  ? [{ kind: 'finished' as const, exitCode: one.code, nevents: 3, isIncrement: true }]
                  : []),
                ...(hasProduct && one.code === 0 ? [product(index)] : []),
                ...(one.hasLauncher ? [{ kind: 'exited' as const, exitCode: one.code, node: 'node2' }] : []),
              ];
              const isLast = start === ran.length - 1;
              const reported: readonly JobEventDetail[] = [
                ...(one.isHeld && !isLast ? [{ kind: 'held' as const, reason: 'h', code: 3 }] : []),
                ...(isLast && batchEnd === 'exited' ? [{ kind: 'exited' as const, exitCode: one.code }] : []),
                ...(isLast && batchEnd !== null && batchEnd !== 'exited' && one.code !== 0
                  ? [{ kind: batchEnd, reason: 'r' }]
                  : []),
              ];
              return [
                ...said.map((detail, n) => eventOf(id, n, detail, { start, source: `spool ${start}`, at })),
                ...reported.map((detail, n) =>
                  eventOf(id, n, detail, { start, source: `batch:${start}`, at: '2025-04-10T12:30:00.000Z' }),
                ),
              ];
            });
          if (eventsOf(0).length === 0) return;
          const next = (): number => Number(randoms.next().value);
          const shuffled = [...eventsOf(1), ...eventsOf(1)]
            .map((event) => ({ event, key: next() }))
            .toSorted((one, other) => one.key - other.key)
            .map(({ event }) => event);
          await record(...eventsOf(0));
          for (let from = 0; from < shuffled.length;) {
            const to = from + 1 + (next() % 4);
            await record(...shuffled.slice(from, to));
            from = to;
          }
          const [one, other] = [await readAttempt(status, ids[0] ?? 0), await readAttempt(status, ids[1] ?? 0)];
          const named = (row: Row, index: number): Row => ({
            ...row,
            message: String(row['message']).replace(dstfiles[index] ?? '', 'PRODUCT'),
          });
          expect(named(other, 1)).toEqual(named(one, 0));
        },
      ),
      { numRuns: 60 },
    );
  });
});
