import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { findLiveAttempts } from '#db/status/product/find-live-attempts.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { findJobsInTheWay } from '#settle/removal/find-jobs-in-the-way.ts';

import { clearAttempts, openDispatchWorld, openReady, prepareTestRule } from '../../dispatch/dispatch-world.ts';
import { testDstfile, testDstname } from '../../dispatch/test-rule.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());
beforeEach(() => clearAttempts(world.status));

async function submit(run: number): Promise<string> {
  const session = await openReady(world.status, [run]);
  try {
    const { submissions } = await applyPlan({
      ...{ session, ready: 1, gatewayUrl: 'http://127.0.0.1:1', log: silentLog, payload: world.payload },
      ...{ status: world.status, site: world.site, backend: world.backend },
      ...{ prepared: prepareTestRule(world.root), workerDirectory: world.workerDirectory },
    });
    return submissions[0]?.uuid ?? '';
  } finally {
    await session.close();
  }
}

const find = async (run: number): Promise<readonly string[]> =>
  findJobsInTheWay(world.backend, await findLiveAttempts(world.status, { dstname: testDstname, run }));

const finish = (): Promise<number> =>
  world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')} set status = 'finished'`);

const job = (run: number): RegExp => new RegExp(`^Job \\d+\\.0 of '${testDstfile(run)}' \\(cupsid \\d+\\) is `, 'u');

it('names a job that is in the queue, also where its attempt has ended, until it has left it', async () => {
  const uuid = await submit(1);
  const [waiting = ''] = await find(1);
  expect(waiting).toMatch(job(1));
  expect(waiting).toContain('is idle in the batch system: remove the job there, or wait until it has ended');
  await world.backend.hold({ uuid }, 'wait');
  await finish();
  expect((await find(1))[0]).toContain('is held in the batch system');
  await world.backend.remove({ uuid }, 'test');
  expect(await find(1)).toEqual([]);
});

it('names a job that has left the queue without a recorded end', async () => {
  const uuid = await submit(2);
  await world.backend.remove({ uuid }, 'test');
  expect((await find(2))[0]).toContain("is submitted, and no end of it is recorded: 'slurp reconcile' records it");
});

it('does not take silence of the batch system for an empty queue', async () => {
  const uuid = await submit(3);
  await finish();
  const file = join(world.site.stateDirectory, 'jobs', uuid, 'submission.json');
  await rename(file, `${file}.away`);
  await writeFile(file, '{');
  await expect(find(3)).rejects.toMatchObject({
    code: 'batch-no-answer',
    message: expect.stringContaining('does not report whether jobs of this run are still there'),
  });
});
