import { writeFile } from 'node:fs/promises';

import { beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';
import { runLoop } from '#loop/run-loop.ts';

import { readAttempts } from '../../dispatch/dispatch-world.ts';
import { catalog, config, makeLoopInput, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

import type { Session } from '#db/connect.ts';

const query =
  "select 'fc/datasets' as source, runnumber, segment, filename as files from datasets where dsttype = 'DST_UP_run2pp' {run_condition}";

useLoopWorld();
beforeEach(async () => {
  await changeCatalog(async (session) => {
    for (const name of ['files', 'datasets']) await session.execute(sql`delete from ${sql.table(session.role, name)}`);
  });
  await writeFile(config, rule('DST_A', query, 'fc'));
});

/** Changes the catalog in a session that adds to the server's counters at its end: idle ones may wait for 10 s. */
async function changeCatalog(change: (session: Session) => Promise<void>): Promise<void> {
  await catalog.session(async (session) => {
    await change(session);
    await session.query(sql`select pg_stat_force_next_flush()::text`);
  });
}

/** Another program registers a file. */
async function putFile(run: number): Promise<void> {
  await changeCatalog(async (session) => {
    await session.execute(sql`
      insert into ${sql.table(session.role, 'files')} (lfn, full_host_name, full_file_path, time, size, md5)
      values (${`up-${run}`}, 'host', ${`/data/up-${run}`}, now(), 1, 'x')`);
    await session.execute(sql`
      insert into ${sql.table(session.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
      values (${`up-${run}`}, ${run}, 0, 1, 'x', 'DST_UP_run2pp', 1)`);
  });
}

/** A session whose changes the server does not count registers a file: only a superuser can do that. */
async function putUncounted(run: number): Promise<void> {
  await catalog.session(async (session) => {
    await session.script('set track_counts = off');
    await session.execute(sql`
      insert into ${sql.table(catalog.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
      values ('up-1', ${run}, 0, 1, ${`x${run}`}, 'DST_UP_run2pp', 1)`);
  });
}

/** That a change was missed, in the last loop. */
const warnings: string[] = [];

interface Seen {
  readonly outcome: string;
  readonly submitted: number;
}

/**
 * Runs a loop with cycles one after the other. Each step of `steps` acts before a cycle; a cycle is repeated until its
 * result is as expected, since a change that another program made may be seen some seconds later.
 */
async function runSteps(
  steps: readonly { readonly act?: () => Promise<unknown>; readonly until: (seen: Seen) => boolean }[],
  { proofMs = 3_600_000, missed = 0 }: { readonly proofMs?: number; readonly missed?: number } = {},
): Promise<readonly Seen[]> {
  const stop = new AbortController();
  const results: Seen[] = [];
  warnings.length = 0;
  let step = 0;
  await steps[0]?.act?.();
  const input = makeLoopInput([turnOf('DST_A')], {
    ...{ delayMs: 1, proofMs, stop: stop.signal },
    onWarning: (_rule, sentence) => {
      if (sentence.includes('not noticed')) warnings.push(sentence);
    },
    onCycle: async ({ turns }) => {
      const [record] = turns;
      if (record === undefined) throw new Error('The cycle was broken off');
      const { outcome, submitted } = record.pass;
      if (steps[step]?.until({ outcome, submitted }) !== true) return;
      results.push({ outcome, submitted });
      step += 1;
      if (step === steps.length) stop.abort();
      else await steps[step]?.act?.();
    },
  });
  await runLoop(input);
  expect(warnings).toHaveLength(missed);
  return results;
}

const isUnchanged = ({ outcome }: Seen): boolean => outcome === 'unchanged';
const isSubmitted = ({ submitted }: Seen): boolean => submitted > 0;

test('leaves a pass out as long as nothing has changed, and shows the last funnel (C-Q32)', async () => {
  await runSteps([{ act: () => putFile(1), until: isSubmitted }, { until: isUnchanged }, { until: isUnchanged }]);
  expect(await findLoopRules(world.status)).toMatchObject([
    { last: { outcome: 'unchanged', submitted: 0, funnel: { candidates: 1, counts: { blocked: 1 } } } },
  ]);
});

test.each<readonly [string, () => Promise<unknown>]>([
  ['a file that another program registers', () => putFile(2)],
  [
    'the same number of files, one of them another',
    () =>
      catalog.transaction(async (session) => {
        await session.execute(sql`delete from ${sql.table(catalog.role, 'datasets')} where runnumber = 1`);
        await session.execute(sql`
          insert into ${sql.table(catalog.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
          values ('up-1', 3, 0, 1, 'x', 'DST_UP_run2pp', 1)`);
      }),
  ],
  [
    'a row of the catalog that is changed in place',
    () => catalog.execute(sql`update ${sql.table(catalog.role, 'datasets')} set runnumber = 4 where runnumber = 1`),
  ],
  [
    'an attempt that is retired',
    () =>
      world.status.execute(sql`
        update ${sql.table(world.status.role, 'production_status')} set retired_at = now() where run = 1`),
  ],
  [
    'an attempt that another program deletes',
    () => world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_status')} where run = 1`),
  ],
  [
    'all attempts, truncated',
    () => world.status.execute(sql`truncate ${sql.table(world.status.role, 'production_status')} cascade`),
  ],
  ['the rule itself', () => writeFile(config, rule('DST_A', query, 'fc').replace('version: 1', 'version: 2'))],
])('notices a change: %s', async (_what, change) => {
  await runSteps([
    { act: () => putFile(1), until: isSubmitted },
    { until: isUnchanged },
    { act: change, until: isSubmitted },
    { until: isUnchanged },
  ]);
});

test('notices that a bad run is good again because its entry has expired', async () => {
  const entries = sql.table(world.status.role, 'invalid_run_list');
  const seen = await runSteps([
    {
      act: async () => {
        await putFile(1);
        await world.status.execute(sql`
          insert into ${entries} (dstname, first_run, last_run, expires_at)
          values ('DST_A_run2pp', 1, 1, (now() at time zone 'utc') + interval '3 seconds')`);
      },
      until: isUnchanged,
    },
    { until: isSubmitted },
  ]);
  expect(seen.map(({ submitted }) => submitted)).toEqual([0, 1]);
});

test('decides all runs again after some time, and finds nothing that was missed', async () => {
  // Each pass is a proof.
  const seen = await runSteps(
    [
      { act: () => putFile(1), until: isSubmitted },
      { until: ({ outcome }) => outcome === 'dispatched' },
      { until: ({ outcome }) => outcome === 'dispatched' },
      { act: () => putFile(2), until: isSubmitted },
    ],
    { proofMs: 0 },
  );
  expect(seen.map(({ submitted }) => submitted)).toEqual([1, 0, 0, 1]);
  expect(await readAttempts(world.status)).toHaveLength(2);
});

test('reports a change that it missed, finds its jobs, and decides all runs from then on', async () => {
  const seen = await runSteps(
    [
      { act: () => putFile(1), until: isSubmitted },
      { until: ({ submitted }) => submitted === 0 },
      { act: () => putUncounted(2), until: isSubmitted },
      // Counters may be late: it is known some seconds afterwards.
      { until: () => warnings.length > 0 },
      { until: () => true },
    ],
    { proofMs: 0, missed: 1 },
  );
  expect(seen.map(({ outcome }) => outcome)).toEqual(Array(5).fill('dispatched'));
});

test.each([
  ['the clock', query.replace('{run_condition}', "and now() > '2020-01-01' {run_condition}")],
  ['the date', query.replace('{run_condition}', "and current_date > '2020-01-01' {run_condition}")],
  ['the date as a constant', query.replace('{run_condition}', "and 'today'::date > '2020-01-01' {run_condition}")],
  ['chance', query.replace('{run_condition}', 'and random() < 2 {run_condition}')],
  ['a view', query.replace('from datasets', 'from some_view')],
])('never leaves out a pass whose query depends on %s', async (_what, text) => {
  await catalog.execute(sql`
    create or replace view ${sql.table(catalog.role, 'some_view')} as select * from ${sql.table(catalog.role, 'datasets')}`);
  await writeFile(config, rule('DST_A', text, 'fc'));
  const seen: string[] = [];
  await runSteps([
    { act: () => putFile(1), until: isSubmitted },
    ...[1, 2].map(() => ({
      until: ({ outcome }: Seen) => {
        seen.push(outcome);
        return true;
      },
    })),
  ]);
  expect(seen).toEqual(['dispatched', 'dispatched']);
});
