import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';
import { putPause } from '#db/status/loop/pauses.ts';
import { findTriggeredRuns } from '#db/status/trigger/find-triggered-runs.ts';
import { putRuleInputs } from '#db/status/trigger/put-rule-inputs.ts';
import { removeTriggeredRuns } from '#db/status/trigger/remove-triggered-runs.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { runLoop } from '#loop/run-loop.ts';
import { waitUntil } from '#util/wait-until.ts';

import { readAttempts } from '../../dispatch/dispatch-world.ts';
import { eventOf, makeAttempts, stageoutOf } from '../../ingest/attempts.ts';
import { silentLog } from '../../util/silent-log.ts';
import { ada, catalog, config, makeLoopInput, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

import type { LoopTurn } from '#loop/run-turn.ts';
import type { PassRecord } from '#model/report/loop-status.ts';
import type { RunSelection } from '#model/run-selection.ts';

let files = 0;

/** A rule that reads files of this dsttype. */
const readerOf = (name: string, input: string, more = ''): string =>
  rule(
    name,
    `select 'filecatalog/datasets' as source, runnumber, segment, filename as files from datasets
      where dsttype = '${input}' {run_condition} order by runnumber`,
    'fc',
    more,
  );

useLoopWorld();
beforeAll(async () => {
  await writeFile(
    config,
    [readerOf('DST_NEXT', 'DST_EVENT_auau23'), readerOf('DST_OTHER', 'DST_ELSE_auau23')].join(''),
  );
});
beforeEach(async () => {
  for (const name of ['files', 'datasets']) await catalog.execute(sql`delete from ${sql.table(catalog.role, name)}`);
});

/** An attempt stages out files of these runs, and the gateway registers them. */
async function registerFiles(runs: readonly number[]): Promise<void> {
  const { ids } = await makeAttempts(world.status, 1);
  const events = runs.map((run, sequence) => {
    files += 1;
    const detail = stageoutOf(`DST_EVENT_auau23_new_2023p003-${files}.root`);
    if (detail.kind !== 'stageout') throw new Error('Not a stage-out');
    return eventOf(ids[0] ?? 0, sequence, { ...detail, file: { ...detail.file, run, segment: files } });
  });
  const { registered } = await ingestEvents({ status: world.status, catalog, log: silentLog }, events);
  expect(registered.map(({ isRegistered }) => isRegistered)).toEqual(runs.map(() => true));
  // Its job is not among those that this test looks at.
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')}
    set status = 'finished', ended = now() where id = ${ids[0] ?? 0}`);
}

interface Loop {
  readonly passes: PassRecord[];
  /** Waits for this many passes, as `RULE RUNS SUBMITTED`; `all` runs if it was not triggered. */
  heard(count: number): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts a loop whose second cycle comes in an hour, and waits for the end of its first. */
async function startLoop(names: readonly string[], more: Partial<LoopTurn> = {}, file = config): Promise<Loop> {
  const passes: PassRecord[] = [];
  const stopping = new AbortController();
  const turns = names.map((name): LoopTurn => ({ ...turnOf(name, file), ...more }));
  let cycles = 0;
  const input = makeLoopInput(turns, {
    ...{ delayMs: 3_600_000, stop: stopping.signal },
    onTurn: (turn) => {
      passes.push(turn.pass);
    },
    onCycle: () => {
      cycles += 1;
    },
  });
  const running = runLoop(input);
  await waitUntil(() => (cycles === 1 ? true : undefined), { timeoutMs: 30_000 });
  passes.length = 0;
  return {
    passes,
    heard: async (count) => {
      await waitUntil(() => (passes.length >= count ? true : undefined), { timeoutMs: 30_000 });
      return passes.map(({ rule: name, runs = 'all', submitted }) => `${name} ${runs} ${submitted}`);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

const pending = () => findTriggeredRuns(world.status, ada, ['DST_NEXT', 'DST_OTHER'], 100);

const made = async (): Promise<readonly number[]> =>
  (await readAttempts(world.status)).filter(({ status }) => status === 'submitted').map(({ run }) => run);

test('runs a rule at once for the runs of which files were registered, and no other rule (C-Q29)', async () => {
  const loop = await startLoop(['DST_OTHER', 'DST_NEXT']);
  await registerFiles([7, 8, 7]);
  expect(await loop.heard(1)).toEqual(['DST_NEXT 2 3']);
  expect(await made()).toEqual([7, 7, 8]);
  // The queue of the local batch system was not asked for the whole production: only these runs were decided.
  expect(loop.passes[0]).toMatchObject({
    outcome: 'dispatched',
    runs: 2,
    funnel: { candidates: 3, counts: { ready: 3 } },
  });
  await registerFiles([9]);
  expect(await loop.heard(2)).toEqual(['DST_NEXT 2 3', 'DST_NEXT 1 1']);
  expect(await pending()).toEqual([]);
  await loop.stop();
});

test('is triggered for runs of its own selection alone', async () => {
  const loop = await startLoop(['DST_NEXT']);
  await registerFiles([500, 7]);
  expect(await loop.heard(1)).toEqual(['DST_NEXT 2 1']);
  expect(await made()).toEqual([7]);
  expect(await pending()).toEqual([]);
  await loop.stop();
});

test('with a cursor, decides no run before it and does not move it', async () => {
  const turn = turnOf('DST_NEXT');
  const runs: RunSelection = { kind: 'cursor' };
  const cursors = sql.table(world.status.role, 'production_cursor');
  await world.status.execute(sql`
    insert into ${cursors} (dsttype, build, tag, version, lastrun) values ('DST_NEXT_run2pp', 'ana437', '2024p007', 1, 20)`);
  const loop = await startLoop(['DST_NEXT'], {
    options: { ...turn.options, runs },
    wish: { ...turn.wish, cursor: { kind: 'advance' } },
  });
  await registerFiles([19, 20, 40]);
  expect(await loop.heard(1)).toEqual(['DST_NEXT 3 2']);
  expect(await made()).toEqual([20, 40]);
  expect(await world.status.query(sql`select lastrun from ${cursors}`)).toEqual([{ lastrun: 20 }]);
  await loop.stop();
  await world.status.execute(sql`delete from ${cursors}`);
});

test('leaves a rule that must wait to the next cycle, which answers its triggers', async () => {
  const first = await startLoop(['DST_NEXT', 'DST_OTHER']);
  await putPause(world.status, { rule: 'DST_NEXT', reason: 'calibration is wrong', by: 'eve' });
  await registerFiles([7]);
  await waitUntil(async () => ((await pending()).length > 0 ? true : undefined), { timeoutMs: 30_000 });
  await first.stop();
  expect(await made()).toEqual([]);
  // A loop that has ended is triggered no more.
  expect(await pending()).toEqual([]);
  await registerFiles([8]);
  expect(await pending()).toEqual([]);
});

test('keeps a trigger of which a further file was registered during the pass', async () => {
  await putRuleInputs(world.status, ada, 'DST_NEXT', [{ name: 'DST_EVENT_auau23', isPrefix: false }]);
  await registerFiles([7, 8]);
  const found = await pending();
  expect(found).toEqual([
    { rule: 'DST_NEXT', run: 7, arrivals: 1 },
    { rule: 'DST_NEXT', run: 8, arrivals: 1 },
  ]);
  await registerFiles([8]);
  await removeTriggeredRuns(world.status, ada, found);
  expect(await pending()).toEqual([{ rule: 'DST_NEXT', run: 8, arrivals: 2 }]);
});

test.each([
  [{ name: 'DST_EVENT_auau23', isPrefix: false }, 1],
  [{ name: 'DST_EVENT_', isPrefix: true }, 1],
  [{ name: 'DST_EVENT_auau23_new_2023p003', isPrefix: true }, 1],
  [{ name: 'DST_EVENT_auau23-00000007', isPrefix: false }, 0],
  [{ name: 'DST_EVENT', isPrefix: false }, 0],
  [{ name: 'DST_EVENT_auau24', isPrefix: true }, 0],
])('compares what a rule reads with the dsttype of a file: %j', async (name, expected) => {
  await putRuleInputs(world.status, ada, 'DST_NEXT', [name]);
  await registerFiles([7]);
  expect(await pending()).toHaveLength(expected);
});

test('is woken by files again after its connection was lost', async () => {
  const loop = await startLoop(['DST_NEXT']);
  const ended = await world.status.query(sql`
    select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%slurp_trigger%' and datname = current_database()`);
  expect(ended).toHaveLength(1);
  await registerFiles([7]);
  expect(await loop.heard(1)).toEqual(['DST_NEXT 1 1']);
  await loop.stop();
});

test('a rule that merges runs is left to the timer: asked for one run it would make another product', async () => {
  const file = join(world.root, 'merging.yaml');
  const merging = readerOf('DST_NEXT', 'DST_EVENT_auau23')
    .replace(
      'runnumber, segment, filename as files',
      "min(runnumber) as runnumber, 0 as segment, string_agg(filename, ' ') as files",
    )
    .replace('order by runnumber', '');
  await writeFile(file, merging);
  const loop = await startLoop(['DST_NEXT'], {}, file);
  await registerFiles([7]);
  expect(await pending()).toEqual([]);
  await loop.stop();
});

test('shows what was triggered beside the last pass over all runs', async () => {
  const loop = await startLoop(['DST_NEXT']);
  await registerFiles([7]);
  await loop.heard(1);
  expect(await findLoopRules(world.status)).toMatchObject([
    {
      ...{ rule: 'DST_NEXT', last: { outcome: 'dispatched', submitted: 0, funnel: { candidates: 0 } } },
      lastTriggered: { outcome: 'dispatched', submitted: 1, runs: 1 },
    },
  ]);
  await loop.stop();
});
