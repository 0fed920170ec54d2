import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { dispatchPlan } from '#dispatch/dispatch-plan.ts';

import { commitAll } from '../util/commit-all.ts';
import { silentLog } from '../util/silent-log.ts';
import { clearAttempts, openDispatchWorld, openReady, prepareTestRule, readAttempts } from './dispatch-world.ts';

import type { Applied } from '#dispatch/apply-plan.ts';
import type { DispatchInput } from '#dispatch/dispatch-plan.ts';

import type { DispatchWorld } from './dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());
beforeEach(() => clearAttempts(world.status));

async function dispatch(ready: number, input: Partial<DispatchInput> = {}): Promise<Applied | undefined> {
  const session = await openReady(
    world.status,
    Array.from({ length: ready }, (_, index) => index + 1),
  );
  try {
    return await dispatchPlan({
      plan: { session, funnel: { counts: { ready } } },
      ...{ prepared: prepareTestRule(world.root), site: world.site, status: world.status, backend: world.backend },
      ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory, isForced: false, log: silentLog },
      mayGoOn: () => Promise.resolve(true),
      ...input,
    });
  } finally {
    await session.close();
  }
}

test('does not even look at the payload where nothing is ready', async () => {
  expect(await dispatch(0)).toEqual({ submissions: [], submitted: 0, lost: 0, notes: [] });
});

test('C-P1: writes nothing where the payload is in no checkout, or a fixed build not published', async () => {
  await expect(dispatch(2)).rejects.toMatchObject({ code: 'site-payload-no-checkout' });
  await commitAll(join(world.root, 'payload'));
  await expect(dispatch(2)).rejects.toMatchObject({ code: 'site-payload-unpublished' });
  expect(await readAttempts(world.status)).toEqual([]);
});

test('reports what is doubtful, and does nothing where the answer is no', async () => {
  await writeFile(join(world.root, 'payload', 'run.sh'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const heard: string[] = [];
  const answer = (isYes: boolean) => (doubts: readonly string[]) => {
    heard.push(...doubts);
    return Promise.resolve(isYes);
  };
  expect(await dispatch(2, { isForced: true, mayGoOn: answer(false) })).toBeUndefined();
  expect(await readAttempts(world.status)).toEqual([]);
  expect(heard).toEqual([expect.stringContaining('is not published'), expect.stringContaining('differs from commit')]);
  expect(await dispatch(2, { isForced: true, mayGoOn: answer(true) })).toMatchObject({ submitted: 2 });
});
