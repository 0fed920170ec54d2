import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { applyPlan } from '#dispatch/apply-plan.ts';
import { settleSite } from '#settle/settle-site.ts';

import { openDispatchWorld, openReady, prepareTestRule, readAttempts } from '../dispatch/dispatch-world.ts';
import { silentLog } from '../util/silent-log.ts';

import type { DispatchWorld } from '../dispatch/dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());

test('leaves a dispatch alone that is under way, looks at what is open, and removes what nothing needs', async () => {
  const session = await openReady(world.status, [1, 2]);
  const stopped = applyPlan({
    ...{ session, status: world.status, site: world.site, backend: world.backend, log: silentLog },
    ...{ prepared: prepareTestRule(world.root), payload: world.payload, ready: 2 },
    ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory },
    onStep: (step) => {
      if (step === 'submitted') throw new Error('stopped here');
    },
  });
  await expect(stopped).rejects.toThrow('stopped here');
  // The session is still open: a dispatcher that is at work on a submission holds its lock.
  const old = join(world.site.stateDirectory, 'submissions', '00000000-0000-4000-8000-000000000000');
  await mkdir(old, { recursive: true });
  await writeFile(join(old, 'slurp-job.json'), '{}');
  await utimes(old, 0, 0);

  const said: string[] = [];
  const settled = await settleSite({
    ...{ site: world.site, status: world.status, catalog: world.status, backend: world.backend, log: silentLog },
    say: (line) => said.push(line),
  });

  expect(settled.submissions).toEqual({ confirmed: 0, withdrawn: 0, waiting: 1, unknown: 0 });
  expect(settled.attempts).toMatchObject({ checked: 2, waiting: 2, unknown: 0 });
  expect(said).toEqual([]);
  expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(['submitting', 'submitting']);
  await session.close();
  expect(await readdir(join(world.site.stateDirectory, 'submissions'))).not.toContain(
    '00000000-0000-4000-8000-000000000000',
  );
});
