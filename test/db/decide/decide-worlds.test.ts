import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { jobStates } from '#model/job/job-state.ts';

import { testDatabase, testDatabases } from '../test-database.ts';
import { decideNaively } from './oracle.ts';
import { decideIn, eachOf, makeProposals, makeRequest, openAll, putWorld } from './world.ts';

import type { InputSource } from '#db/decide/decision-request.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { RowSelection } from '#model/row-selection.ts';

import type { TestDatabase } from '../test-database.ts';
import type { Ask, CatalogFile, Databases, World } from './world.ts';

// Few runs, names and files, so that everything meets everything; strange ones among them.
const runs = [1, 22026, 22027, 123456789, -7];
const streams = ['INTT0', 'seb18', 'bad-name', null];
const lfns = ['a.evt', "it's.prdf", 'back\\slash.evt', 'HIST_odd_name-1', 'comma,name', 'ünï.evt', '\\N'];
const dstnames = ['DST_X_run2pp_new_2024p001', 'DST_X_run2pp_new_2024p001_v000', 'DST_X_run2pp_new_2024p001_v001'];
const streamed = ['DST_INTT0_run2pp_new_2024p001', 'DST_seb18_run2pp_new_2024p001'];

const printRun = (run: number): string =>
  run < 0 ? `-${String(-run).padStart(7, '0')}` : String(run).padStart(8, '0');
const anyOf = <T>(...items: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...items);
const mostly = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: rare });
const someRun = mostly(anyOf(22026, 22027, 22028), anyOf(...runs));
const someSegment = mostly(anyOf(0, 1), anyOf(0, 1, 100000));
const someName = anyOf(...dstnames, ...dstnames.slice(0, 2), ...streamed);
const someLfn = mostly(anyOf(...lfns.slice(0, 3)), anyOf(...lfns));
const dstfile = fc
  .tuple(someName, someRun, someSegment)
  .map(([name, run, segment]) => `${name}-${printRun(run)}-${String(segment).padStart(5, '0')}`);
const files = fc
  .tuple(
    mostly(fc.array(someLfn, { minLength: 1, maxLength: 2 }), fc.array(someLfn, { maxLength: 4 })),
    anyOf(' ', '  ', ' \n\t'),
    anyOf('', ' '),
  )
  .map(([names, blank, edge]) => edge + names.join(blank) + edge);
const directory = anyOf('/data', '/dira', '/dirb/x', '/with blank', '/tab\there');

// Rows, and often the first of them again.
const copied = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc
    .tuple(fc.array(row, { minLength: 2, maxLength: 5 }), anyOf(0, 0, 1))
    .map(([rows, copies]) => [...rows, ...rows.slice(0, copies)]);

const world: fc.Arbitrary<World> = fc.record({
  proposals: copied(
    fc.record({
      run: mostly<number | null>(someRun, anyOf(null, 3_000_000_000)),
      segment: mostly<number | null>(someSegment, fc.constant(null)),
      files: mostly<string | null>(files, fc.constant(null)),
      ranges: mostly(anyOf(null, 'a.evt:0:9'), anyOf('', ' a:0:1  b:1:2 ')),
      stream: mostly(anyOf('INTT0', 'seb18'), anyOf(...streams)),
      firstevent: mostly(anyOf(null, 0), anyOf(5)),
    }),
  ),
  attempts: fc.uniqueArray(
    fc.record({ dstfile, state: anyOf(...jobStates), isRetired: mostly(fc.constant(false), fc.constant(true)) }),
    {
      selector: (attempt) => `${attempt.dstfile} ${attempt.isRetired}`,
      minLength: 10,
      maxLength: 20,
    },
  ),
  invalid: fc.array(
    fc.record({
      dstname: anyOf('all', 'ALL', 'DST_X_run2pp', 'DST_INTT0_run2pp', ...dstnames, ...streamed, 'DST_OTHER'),
      runs: anyOf<readonly [number, number]>([22026, 22026], [22026, -1], [1, 22026], [5, 2], [-10, 0]),
      segments: anyOf<readonly [number, number]>([0, 99999], [1, 1]),
      isExpired: mostly(fc.constant(false), fc.constant(true)),
    }),
    { maxLength: 1 },
  ),
  datasets: fc.array(
    fc.tuple(dstfile, anyOf('.root', '.root', '.prdf', '.txt', '')).map((parts) => parts.join('')),
    { minLength: 8, maxLength: 14 },
  ),
  files: fc
    .array(
      fc.record({
        lfn: someLfn,
        host: anyOf('gpfs', 'lustre'),
        directory,
        time: anyOf(1, 2),
        isNamedAlike: fc.boolean(),
      }),
      { minLength: 4, maxLength: 14 },
    )
    .map((rows) =>
      rows.map(({ directory: scratch, isNamedAlike, ...row }, index) => ({
        ...row,
        path: isNamedAlike || index < 9 ? `${scratch}/${row.lfn}` : `${scratch}/other`,
      })),
    ),
  listed: fc.array(
    fc.tuple(directory, mostly(someLfn, anyOf('new\nline'))).map(([scratch, basename]) => ({
      basename,
      path: `${scratch}/${basename}`,
    })),
    { maxLength: 20 },
  ),
});

const ask = fc.record(
  {
    dsttype: anyOf('DST_X_run2pp', 'DST_$(streamname)_run2pp'),
    version: anyOf(0, 1),
    selection: fc.record(
      {
        runs: anyOf<NonNullable<RowSelection['runs']>>(
          { kind: 'one', run: 22026 },
          { kind: 'range', first: 22026, last: 22027 },
          { kind: 'list', runs: [1, 22027, 22028] },
        ),
        segments: anyOf<NonNullable<RowSelection['segments']>>(
          { kind: 'one', segment: 0 },
          { kind: 'range', first: 1, last: 2 },
          { kind: 'list', segments: [0, 100000] },
        ),
      },
      { requiredKeys: [] },
    ),
    unblockStates: fc.subarray([...jobStates]),
    isResubmit: mostly(fc.constant(false), fc.constant(true)),
    cap: mostly(anyOf(1, 2, 5), fc.constant(0)),
    kind: anyOf('catalog' as const, 'listing' as const, 'names' as const),
  },
  { requiredKeys: ['kind'] },
);

function sourceOf(kind: InputSource['kind'], listed: World['listed']): InputSource {
  return kind === 'listing' ? { kind, files: eachOf(listed ?? []) } : { kind };
}

// A file can be in the catalog once under a name, host and path: the same as the table's own key.
function distinctFiles(given: World): World {
  const key = (file: CatalogFile): string => JSON.stringify([file.lfn, file.host, file.path]);
  return {
    ...given,
    files: given.files.filter((file, index) => given.files.findIndex((one) => key(one) === key(file)) === index),
  };
}

describe.each([
  ['one database', testDatabase],
  ['a database for every role', testDatabases],
])('a generated world in %s', (_, make) => {
  let given: TestDatabase;
  let open: Databases;

  beforeAll(async () => {
    given = await make();
    open = openAll(given.roles);
    await makeProposals(open);
  });

  afterAll(async () => {
    await open.close();
    await given.close();
  });

  it('is decided as one by one in memory', async () => {
    await fc.assert(
      fc.asyncProperty(world, ask, async (drawn, { kind, ...rest }) => {
        const here = distinctFiles(drawn);
        await putWorld(open, here);
        const request = makeRequest({ ...(rest satisfies Ask), inputs: sourceOf(kind, here.listed) });
        const expected = decideNaively(here, request);
        const { funnel, ready } = await decideIn(open, request, async (session) => {
          const fates = await session.query<{ ordinal: number; verdict: string }>(
            sql`select j.ordinal, coalesce(j.verdict, u.verdict, case when r.ordinal is null then 'over-limit' else 'ready' end)
              as verdict from pg_temp.judged j left join pg_temp.undecided u using (ordinal)
              left join pg_temp.ready r using (ordinal) order by j.ordinal`,
          );
          expect(fates.map(({ verdict }) => verdict)).toEqual(expected.map(({ fate }) => fate));
        });
        expect(ready).toEqual(expected.flatMap(({ ready: row }): CandidateRow[] => (row === undefined ? [] : [row])));
        const count = (fate: string): number => expected.filter((one) => one.fate === fate).length;
        for (const [verdict, number] of Object.entries(funnel.counts))
          expect([verdict, number]).toEqual([verdict, count(verdict)]);
        expect(funnel.faults).toEqual({ rejected: count('rejected'), repeated: count('repeated') });
        expect(funnel.rows).toBe(here.proposals.length);
        for (const state of jobStates) {
          expect(funnel.blockedByState[state] ?? 0).toBe(expected.filter((one) => one.state === state).length);
        }
      }),
      // On a busy machine fewer worlds, rather than a test that runs out of time.
      { numRuns: 60, interruptAfterTimeLimit: 40_000 },
    );
  }, 120_000);
});
