import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { makePhaseClock } from '#dispatch/phase-clock.ts';
import { runPass } from '#pass/run-pass.ts';

import { clearAttempts, openDispatchWorld, readAttempts } from '../dispatch/dispatch-world.ts';
import { prepareTestRuleOf } from '../dispatch/test-rule.ts';
import { commitAll } from '../util/commit-all.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Database } from '#db/connect.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { PassInput, PassListener, PassOutcome } from '#pass/run-pass.ts';

import type { DispatchWorld } from '../dispatch/dispatch-world.ts';

let world: DispatchWorld;
let catalog: Database;
beforeAll(async () => {
  world = await openDispatchWorld();
  catalog = openDatabase(world.site.roles.catalog, { applicationName: 'test' });
  await commitAll(join(world.root, 'payload'));
  await mkdir(join(world.root, 'data'));
});
afterAll(async () => {
  await catalog.close();
  await world.close();
});
beforeEach(() => clearAttempts(world.status));

const heard: string[] = [];

function hear(more: Partial<PassListener> = {}): PassListener {
  heard.length = 0;
  return {
    onHeld: ({ jobs }) => heard.push(`held ${jobs.length}`),
    onPlanned: ({ counts }) => {
      heard.push(`planned ${counts.ready}`);
      return Promise.resolve();
    },
    mayReplace: (ready) => {
      heard.push(`replace ${ready}?`);
      return Promise.resolve(true);
    },
    mayGoOn: () => {
      heard.push('go on?');
      return Promise.resolve(true);
    },
    onBegin: (ready) => heard.push(`begun ${ready}`),
    onApplied: ({ submitted }) => heard.push(`applied ${submitted}`),
    ...more,
  };
}

function run(
  wish: Partial<PassInput['wish']> = {},
  {
    options = {},
    listener = hear(),
    isExpectingJobs = false,
  }: { options?: Partial<RunOptions>; listener?: PassListener; isExpectingJobs?: boolean } = {},
): Promise<PassOutcome> {
  const { root, site, status, backend, workerDirectory } = world;
  const prepared = prepareTestRuleOf(
    root,
    `  input:
    db: status
    query: select 'x' as source, runnumber, 0 as segment, 'f' as files
      from generate_series(1, 3) as runnumber where true {run_condition}
  filesystem: {outdir: "${root}/out", logdir: "file://${root}/log", histdir: "${root}/hist", condor: "${root}/condor"}`,
    { runs: { kind: 'range', first: 1, last: 3 }, ...options },
  );
  return runPass({
    ...{ prepared, site: { ...site, gateway: { ...site.gateway, url: 'http://127.0.0.1:1' } }, backend },
    databases: { daq: status, raw: status, catalog, status },
    wish: { isForced: true, isMarkingHeld: false, isClearingHeld: false, by: 'tester', ...wish },
    ...{ isExpectingJobs, workerDirectory, listener, log: silentLog, clock: makePhaseClock() },
    progress: { update: () => undefined, phase: () => undefined, close: () => undefined },
    signal: new AbortController().signal,
  });
}

async function putInput(): Promise<void> {
  await catalog.execute(sql`
    insert into ${sql.table(catalog.role, 'files')} (lfn, full_host_name, full_file_path, time, size, md5)
    values ('f', 'host', '/data/f', now(), 1, 'x') on conflict do nothing`);
}

test('reports what it found and did as data, in order, and never asks where there is nothing to ask', async () => {
  expect(await run()).toMatchObject({
    ...{ kind: 'dispatched', segments: [] },
    funnel: { counts: { 'missing-inputs': 3, ready: 0 } },
    applied: { submitted: 0, submissions: [] },
  });
  expect(heard).toEqual(['planned 0', 'applied 0']);
  await putInput();
  expect(await run({ cursor: { kind: 'ratchet' }, maxJobs: 2 })).toMatchObject({
    ...{ kind: 'dispatched', cursor: { run: 2 } },
    applied: { submitted: 2, lost: 0 },
    segments: [
      { run: 1, segments: [0] },
      { run: 2, segments: [0] },
    ],
  });
  expect(heard.filter((word) => word !== 'go on?')).toEqual(['planned 2', 'begun 2', 'applied 2']);
});

test('dispatches nothing where the answer is no', async () => {
  await putInput();
  const mayReplace = (): Promise<boolean> => Promise.resolve(false);
  const declined = run({}, { options: { isResubmit: true }, listener: hear({ mayReplace }) });
  expect(await declined).toEqual({ kind: 'declined' });
  const mayGoOn = (): Promise<boolean> => Promise.resolve(false);
  expect(await run({}, { listener: hear({ mayGoOn }) })).toEqual({ kind: 'declined' });
  expect(await readAttempts(world.status)).toEqual([]);
});

test('marks what is held before, and clears it after the dispatch', async () => {
  expect(await run({ isMarkingHeld: true, isClearingHeld: true })).toMatchObject({ kind: 'dispatched', cleared: 0 });
  expect(heard[0]).toBe('held 0');
});

test('submits the payload that was read while it decided, if jobs are expected', async () => {
  await putInput();
  const early = await run({}, { isExpectingJobs: true });
  expect(early).toMatchObject({ applied: { submitted: 3, payload: { files: 1 } } });
  await clearAttempts(world.status);
  const usual = await run();
  expect(usual).toMatchObject({ applied: { payload: early.kind === 'dispatched' ? early.applied.payload : {} } });
});

test('reports a payload that cannot be read only if there are jobs', async () => {
  await putInput();
  await run();
  const [place, elsewhere] = [join(world.root, 'payload'), join(world.root, 'moved')];
  await rename(place, elsewhere);
  try {
    const none = await run({}, { isExpectingJobs: true });
    expect(none).toMatchObject({ funnel: { counts: { ready: 0 } }, applied: { submitted: 0 } });
    await clearAttempts(world.status);
    await expect(run({}, { isExpectingJobs: true })).rejects.toMatchObject({ code: 'site-payload-missing' });
    expect(await readAttempts(world.status)).toEqual([]);
  } finally {
    await rename(elsewhere, place);
  }
});
