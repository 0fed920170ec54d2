import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { foldAttemptsAgain } from '#db/status/fold-attempts-again.ts';
import { recordEvents } from '#db/status/record-events.ts';

import { openTestStatus } from '../db/test-database.ts';
import { eventOf, makeAttempts, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';
import type { EventToRecord } from '#db/status/record-events.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';

import type { TestStatus } from '../db/test-database.ts';

let opened: TestStatus;
let status: Database;

beforeAll(async () => {
  opened = await openTestStatus(2);
  ({ status } = opened);
});
afterAll(() => opened.close());

/** What is kept of the starts of an attempt, and what all its events say, as text. */
async function readStarts(id: number): Promise<{ readonly kept: string; readonly folded: string }> {
  // What is known of the clock matters for the latest source only.
  const asText = (rows: ReturnType<typeof sql.table>): ReturnType<typeof sql> => sql`(
    select string_agg(concat(s - 'clock_offset_ms', case when latest then s ->> 'clock_offset_ms' end), ' ' order by s ->> 'start')
    from (
      select to_jsonb(p) as s,
        row_number() over (order by last_moment desc, last_source desc, last_sequence desc) = 1 as latest
      from ${rows} p where p.cupsid = ${id}
    ) t)`;
  const [row] = await status.query<{ kept: string; folded: string }>(sql`
    select ${asText(sql.table(status.role, 'production_start'))} as kept,
           ${asText(sql`${sql.table(status.role, 'fold_starts')}(array[${id}::int])`)} as folded`);
  return row ?? { kept: '', folded: 'none' };
}

async function readRow(id: number): Promise<Row | undefined> {
  const [row] = await status.query(sql`select * from ${sql.table(status.role, 'production_status')} where id = ${id}`);
  return row;
}

const textOf = fc.constantFrom('a', 'b', 'c');
const someDetail: fc.Arbitrary<JobEventDetail> = fc.oneof(
  fc.record({ kind: fc.constant('started' as const), node: textOf }),
  fc.record({ kind: fc.constant('running' as const), nsegments: fc.nat(5) }),
  fc.constant({ kind: 'running' as const }),
  fc.record({ kind: fc.constant('nevents' as const), nevents: fc.nat(100), isIncrement: fc.boolean() }),
  fc.record({ kind: fc.constant('message' as const), text: textOf, flag: fc.nat(63), logsize: fc.nat(9) }),
  fc.record({ kind: fc.constant('message' as const), text: textOf }),
  fc.constantFrom('A', 'PRODUCT').map((lfn) => stageoutOf(lfn)),
  fc.record({ kind: fc.constant('inputs' as const), files: fc.array(textOf, { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('held' as const), reason: textOf, code: fc.nat(40), subcode: fc.nat(3) }),
  fc.record({ kind: fc.constant('held' as const), reason: textOf }),
  fc.constant({ kind: 'released' as const }),
  fc.constant({ kind: 'evicted' as const }),
  fc.record({ kind: fc.constant('refused' as const), report: textOf, reason: textOf }),
);
const someEnd: fc.Arbitrary<JobEventDetail> = fc.oneof(
  fc.record({ kind: fc.constant('finished' as const), exitCode: fc.nat(3), nevents: fc.nat(9), nsegments: fc.nat(3) }),
  fc.constant({ kind: 'finished' as const }),
  fc.record({ kind: fc.constant('exitcode' as const), exitCode: fc.nat(3) }),
  fc.record({ kind: fc.constant('exited' as const), exitCode: fc.nat(3), node: textOf, memoryMb: fc.nat(9) }),
  fc.record({ kind: fc.constant('exited' as const), signal: textOf, cpuSeconds: fc.nat(9), diskMb: fc.nat(9) }),
  fc.record({ kind: fc.constant('removed' as const), reason: textOf }),
  fc.record({ kind: fc.constant('vanished' as const), reason: textOf }),
);

/** Reports in the order in which they are made; `second` falls where a clock jumps. */
const someReport = fc.record({
  detail: fc.oneof({ weight: 5, arbitrary: someDetail }, { weight: 1, arbitrary: someEnd }),
  start: fc.integer({ min: -1, max: 2 }),
  source: fc.oneof(
    { weight: 6, arbitrary: fc.constant('spool') },
    { weight: 2, arbitrary: fc.constantFrom('other', 'batch:0', 'operator:me') },
  ),
  jumpSeconds: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: -90, max: 90 })),
  clockOffsetMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constantFrom(0, 30_000) },
    { weight: 1, arbitrary: fc.constantFrom(-120_000, 120_000, 3_600_000) },
  ),
});

/** How far from its place an event may arrive: mostly where it belongs. */
const someDelay = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) });

describe('an event is folded onto what is known', () => {
  it('gives what all events give, after each group, in every column', async () => {
    let inOrder = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(someReport, someDelay), { minLength: 1, maxLength: 25 }),
        fc.record({ canRestart: fc.boolean(), isProductRequired: fc.boolean(), successExitCode: fc.nat(2) }),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 25, maxLength: 25 }),
        fc.boolean(),
        async (reports, terms, sizes, isRepeated) => {
          const { ids, dstfiles } = await makeAttempts(status, 1, terms);
          const [id = 0] = ids;
          const events = reports.map(([{ detail, start, source, jumpSeconds, clockOffsetMs }, delay], index) => {
            const product = detail.kind === 'stageout' && detail.file.lfn === 'PRODUCT';
            const at = new Date(Date.UTC(2025, 3, 10, 12, 0, index * 10 + jumpSeconds)).toISOString();
            const event = eventOf(id, index, product ? stageoutOf(`${dstfiles[0] ?? ''}.root`) : detail, {
              ...{ start, source, at },
            });
            const item: EventToRecord = clockOffsetMs === undefined ? { event } : { event, clockOffsetMs };
            return { item, place: index + delay };
          });
          const arriving = events.toSorted((one, other) => one.place - other.place).map(({ item }) => item);
          if (arriving.every((item, index) => item === events[index]?.item)) inOrder += 1;
          for (let from = 0, group = 0; from < arriving.length; group += 1) {
            const to = from + (sizes[group] ?? 1);
            const part = arriving.slice(from, to);
            await recordEvents(status, isRepeated ? [...part, ...arriving.slice(Math.max(0, from - 2), to)] : part);
            const { kept, folded } = await readStarts(id);
            expect(kept).toBe(folded);
            from = to;
          }
          const before = await readRow(id);
          await foldAttemptsAgain(status, [id], async () => undefined);
          expect(await readRow(id)).toEqual(before);
        },
      ),
      { numRuns: Number(process.env['FOLD_RUNS'] ?? 100) },
    );
    expect(inOrder).toBeGreaterThan(0);
  }, 240_000);
});
