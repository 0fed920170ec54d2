import { mkdir, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { findPayloadFiles } from '#db/status/payload/find-payload-use.ts';
import { findPayloads } from '#db/status/payload/find-payloads.ts';
import { lockPayload, unlockPayload } from '#db/status/payload/payload-lock.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { removeUnusedSnapshots } from '#dispatch/payload/snapshot/remove-unused-snapshots.ts';

import { commitAll } from '../../../util/commit-all.ts';
import { silentLog } from '../../../util/silent-log.ts';
import { clearAttempts, openDispatchWorld, openReady, prepareTestRule } from '../../dispatch-world.ts';

import type { Pruned } from '#dispatch/payload/snapshot/remove-unused-snapshots.ts';

import type { DispatchWorld } from '../../dispatch-world.ts';

let world: DispatchWorld;
let hash: string;

/** A snapshot that one submission of two jobs stages from, which is open. */
beforeAll(async () => {
  world = await openDispatchWorld();
  await commitAll(join(world.root, 'payload'));
});
afterAll(() => world.close());
beforeEach(async () => {
  await clearAttempts(world.status);
  hash = await dispatch();
});

async function dispatch(): Promise<string> {
  const session = await openReady(world.status, [1, 2]);
  try {
    const applied = await dispatchPlan({
      plan: { session, funnel: { counts: { ready: 2 } } },
      ...{ prepared: prepareTestRule(world.root), site: world.site, status: world.status, backend: world.backend },
      ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory, isForced: true, log: silentLog },
      mayGoOn: () => Promise.resolve(true),
    });
    return applied?.payload?.hash ?? '';
  } finally {
    await session.close();
  }
}

function prune(keepMs: number, isDryRun = false): Promise<Pruned> {
  return removeUnusedSnapshots({ store: { ...world.site.payloads, keepMs }, status: world.status, isDryRun });
}

async function end(): Promise<void> {
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')} set status = 'finished'`);
}

it('keeps what an attempt that can still run needs, however old it is', async () => {
  expect(await prune(0)).toEqual({ removed: [], sizeBytes: 0, needed: 1, recent: 0 });
  expect(await readdir(world.site.payloads.directory)).toContain(hash);
});

it('keeps what was used lately, and removes it when it is old; the record of what it held stays', async () => {
  await end();
  expect(await prune(3600_000)).toEqual({ removed: [], sizeBytes: 0, needed: 0, recent: 1 });
  expect(await prune(0, true)).toMatchObject({ removed: [hash] });
  expect(await readdir(world.site.payloads.directory)).toContain(hash);
  expect(await prune(0)).toEqual({ removed: [hash], sizeBytes: 17, needed: 0, recent: 0 });
  expect(await readdir(world.site.payloads.directory)).toEqual([]);
  const [row] = await findPayloads(world.status, { hashes: [hash] });
  expect(row?.prunedAt).toBeInstanceOf(Date);
  expect((await findPayloadFiles(world.status, hash)).map(({ path }) => path)).toEqual(['payload/run.sh']);
});

it('is undone by the next dispatch of the same content', async () => {
  await end();
  await prune(0);
  await clearAttempts(world.status);
  expect(await dispatch()).toBe(hash);
  expect(await findPayloads(world.status, { hashes: [hash] })).toMatchObject([{ prunedAt: null, openSubmissions: 1 }]);
});

it('keeps what a dispatch holds that has not reserved its attempts yet', async () => {
  await end();
  await world.status.session(async (session) => {
    await lockPayload(session, hash);
    expect(await prune(0)).toMatchObject({ removed: [], needed: 1 });
    await unlockPayload(session, hash);
  });
  expect(await prune(0)).toMatchObject({ removed: [hash] });
});

it('removes nothing else but snapshots', async () => {
  await end();
  const other = join(world.site.payloads.directory, 'notes');
  await mkdir(other);
  await utimes(other, 1, 1);
  await prune(0);
  expect(await readdir(world.site.payloads.directory)).toEqual(['notes']);
});
