import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { readSiteKey } from '#config/read-site-key.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { startGateway } from '#serve/start-gateway.ts';
import { reconcile } from '#settle/reconcile/reconcile.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { clearAttempts, openDispatchWorld, openReady, prepareTestRule } from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { Database, Row } from '#db/database.ts';
import type { RunningGateway } from '#serve/start-gateway.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

const plain: Readonly<Record<string, string>> = { requirements: 'true', request_memory: '20', request_disk: '1000' };
/** What the site adds to every job; each test has its own. */
const commands: Record<string, string> = {};
/** Who waits for more waits in vain. */
const patience = { timeoutMs: 150_000, everyMs: 500 };

let world: DispatchWorld;
let catalog: Database;
let gateway: RunningGateway;
const uuids = new Set<string>();

beforeAll(async () => {
  world = await openDispatchWorld({ htcondor: { commands } });
  const { site, status } = world;
  catalog = openDatabase(site.roles.catalog, { applicationName: 'test' });
  const key = await readSiteKey(site);
  gateway = await startGateway({ ...{ site, siteKey: key, status, catalog, log: silentLog }, version: '0' });
});
afterAll(async () => {
  const ours = [...uuids].map((uuid) => `"${uuid}"`).join(', ');
  await runCommand('condor_rm', ['-constraint', `member(SlurpSubmission, {${ours}})`]);
  await gateway.close();
  await catalog.close();
  await world.close();
});
beforeEach(async () => {
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_event')}`);
  await clearAttempts(world.status);
});

/** Dispatches one job of a rule whose script is given; each start writes a line to the file `ran`. */
async function dispatch(more: Readonly<Record<string, string>>, script: string): Promise<string> {
  for (const key of Object.keys(commands)) delete commands[key];
  Object.assign(commands, plain, more);
  const ran = join(world.root, 'ran');
  await writeFile(ran, '');
  const text = `#!/bin/bash\necho "start $SLURP_START" >> '${ran}'\n${script}`;
  await writeFile(join(world.root, 'payload', 'run.sh'), text, { mode: 0o755 });
  const session = await openReady(world.status, [1]);
  const { submissions } = await applyPlan({
    ...{ session, status: world.status, site: world.site, backend: world.backend, log: silentLog },
    ...{ prepared: prepareTestRule(world.root), payload: world.payload, ready: 1, gatewayUrl: gateway.url },
    workerDirectory: join(findPackageRoot(), 'dist', 'worker'),
  });
  await session.close();
  const uuid = submissions[0]?.uuid ?? '';
  uuids.add(uuid);
  return uuid;
}

const reconcileNow = () =>
  reconcile({
    ...{ status: world.status, backend: world.backend, log: silentLog, ingestSpools: () => Promise.resolve() },
    ...{ endGraceMs: 0, vanishAfterMs: 600_000 },
  });

async function readRow(): Promise<Row> {
  const [row] = await world.status.query(sql`
    select status::text, start, exit_code, message from ${sql.table(world.status.role, 'production_status')}`);
  return row ?? {};
}

/** Waits until the job has left the queue, reconciling if asked to. */
async function leavesQueue(uuid: string, isReconciled: boolean): Promise<void> {
  await waitUntil(async () => {
    if (isReconciled) await reconcileNow();
    const answer = await world.backend.queryQueue([uuid]);
    const open = answer.kind === 'answer' && answer.value.every(({ state }) => state === 'completed');
    return open || undefined;
  }, patience);
}

const readStarts = async () => (await readFile(join(world.root, 'ran'), 'utf8')).trim().split('\n');

test('C-E13: a job with max_retries whose first start fails is finished at the second', async () => {
  const uuid = await dispatch(
    { max_retries: '2' },
    `if [ "$SLURP_START" = 0 ]; then cups -r 1 -s 0 -d x finished -e 3; exit 3; fi
cups -r 1 -s 0 -d x finished -e 0
`,
  );
  await leavesQueue(uuid, false);
  expect(await readStarts()).toEqual(['start 0', 'start 1']);
  expect(await readRow()).toEqual({ status: 'finished', start: 1, exit_code: 0, message: null });
});

test('C-E13, C-R24: a job that fails at every start is failed when the batch system gives it up', async () => {
  const uuid = await dispatch({ max_retries: '1' }, `cups -r 1 -s 0 -d x finished -e 3\nexit 3\n`);
  await leavesQueue(uuid, false);
  expect(await readStarts()).toEqual(['start 0', 'start 1']);
  expect(await readRow()).toMatchObject({ status: 'evicted', start: 1, exit_code: 3 });
  await waitUntil(async () => {
    await reconcileNow();
    return (await readRow())['status'] === 'failed' || undefined;
  }, patience);
  expect(await readRow()).toEqual({ status: 'failed', start: 1, exit_code: 3, message: null });
});

test('C-E13: a finished job that on_exit_remove would start for ever is taken out of the queue', async () => {
  const uuid = await dispatch({ on_exit_remove: '(ExitCode == 0)' }, `cups -r 1 -s 0 -d x finished -e 0\nexit 1\n`);
  await leavesQueue(uuid, true);
  expect(await readStarts()).toEqual(['start 0']);
  expect(await readRow()).toMatchObject({ status: 'finished', start: 0 });
});

test('C-E14: a job whose success is another exit code is finished by it', async () => {
  const uuid = await dispatch({ success_exit_code: '3' }, 'exit 3\n');
  await leavesQueue(uuid, false);
  expect(await readStarts()).toEqual(['start 0']);
  expect(await readRow()).toEqual({ status: 'finished', start: 0, exit_code: 3, message: null });
});
