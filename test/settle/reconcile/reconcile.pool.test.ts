import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { readSiteKey } from '#config/read-site-key.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { startGateway } from '#serve/start-gateway.ts';
import { reconcile } from '#settle/reconcile/reconcile.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import {
  clearAttempts,
  openDispatchWorld,
  openReady,
  prepareTestRule,
  readAttempts,
} from '../../dispatch/dispatch-world.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { Reconciled } from '#model/report/reconciled.ts';

import type { DispatchWorld } from '../../dispatch/dispatch-world.ts';

const commands: Record<string, string> = { requirements: 'true', request_memory: '20', request_disk: '1000' };
/** Who waits for more waits in vain. */
const patience = { timeoutMs: 120_000, everyMs: 500 };

let world: DispatchWorld;
const uuids = new Set<string>();
beforeAll(async () => {
  world = await openDispatchWorld({ htcondor: { commands } });
  await ensureEventPartitions(world.status);
  // The run says what the job does: 1 is killed, 2 waits to be removed, 3 takes memory, 4 ends badly.
  await writeFile(
    join(world.root, 'worker', 'wrapper.sh'),
    `#!/bin/bash
case " $* " in
  *-00000001-*) kill -KILL $$ ;;
  *-00000002-*) sleep 300 ;;
  *-00000003-*) exec perl -e '$x = "x" x 300_000_000; sleep 300' ;;
  *-00000004-*) exit 3 ;;
esac
`,
    { mode: 0o755 },
  );
});
afterAll(async () => {
  const ours = [...uuids].map((uuid) => `"${uuid}"`).join(', ');
  await runCommand('condor_rm', ['-constraint', `member(SlurpSubmission, {${ours}})`]);
  await world.close();
});
beforeEach(async () => {
  commands['requirements'] = 'true';
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_event')}`);
  await clearAttempts(world.status);
});

async function dispatch(
  runs: readonly number[],
  more: { readonly gatewayUrl?: string; readonly workerDirectory?: string } = {},
): Promise<string> {
  const session = await openReady(world.status, runs);
  // A first start goes ahead without an answer in time; on a busy machine even ours may take more than two seconds.
  const site = { ...world.site, worker: { ...world.site.worker, reportTimeoutMs: 60_000 } };
  const { submissions } = await applyPlan({
    ...{ session, status: world.status, site, backend: world.backend, log: silentLog },
    ...{ prepared: prepareTestRule(world.root), payload: world.payload, ready: runs.length },
    ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: world.workerDirectory, ...more },
  });
  await session.close();
  const uuid = submissions[0]?.uuid ?? '';
  uuids.add(uuid);
  return uuid;
}

function reconcileNow(): Promise<Reconciled> {
  return reconcile({
    ...{ status: world.status, backend: world.backend, log: silentLog, ingestSpools: () => Promise.resolve() },
    ...{ endGraceMs: 0, vanishAfterMs: 600_000 },
  });
}

interface Ended {
  readonly status: string;
  readonly message: string | null;
  readonly exit_code: number | null;
  readonly hold_code: number | null;
  readonly execution_node: string | null;
}

async function readRow(run: number): Promise<Ended | undefined> {
  const rows = await world.status.query<Ended>(sql`
    select * from ${sql.table(world.status.role, 'production_status')} where run = ${run}`);
  return rows[0];
}

/** Reconciles until the attempt of a run is in one of these states. */
function become(run: number, ...states: readonly string[]): Promise<Ended | undefined> {
  return waitUntil(async () => {
    await reconcileNow();
    const row = await readRow(run);
    return row !== undefined && states.includes(row.status) ? row : undefined;
  }, patience);
}

test('a job that was killed without a report, and one that ended badly, fail with their reason', async () => {
  await dispatch([1, 4, 5]);
  expect(await become(1, 'failed')).toMatchObject({
    message: 'Killed by SIGKILL before it reported an end',
    exit_code: null,
  });
  expect(await become(4, 'failed')).toMatchObject({
    message: 'Ended with exit code 3 before it reported an end',
    exit_code: 3,
  });
  expect(await become(5, 'finished')).toMatchObject({ exit_code: 0 });
});

test('a job that was removed by hand fails, and it is known by whom', async () => {
  const uuid = await dispatch([2]);
  expect(await become(2, 'started')).toMatchObject({ execution_node: expect.stringMatching(/./u) });
  await runCommand('condor_rm', ['-constraint', `SlurpSubmission == "${uuid}"`]);
  expect(await become(2, 'failed')).toMatchObject({
    message: expect.stringMatching(/^via condor_rm \(by user \S+\)/u),
  });
});

test('a job out of memory is held, with code and reason; removed, it fails', async () => {
  const uuid = await dispatch([3]);
  const held = await become(3, 'held');
  expect([26, 34]).toContain(held?.hold_code);
  expect(held?.message).toMatch(/memory/iu);
  expect(await reconcileNow()).toMatchObject({ checked: 1, agreed: 1 });
  await world.backend.remove({ uuid }, 'out of memory');
  expect(await become(3, 'failed')).toMatchObject({ message: expect.stringContaining('out of memory') });
});

test('the fence: a job whose attempt was retired, or had ended, ends before its payload', async () => {
  const { status, site } = world;
  const catalog = openDatabase(site.roles.catalog, { applicationName: 'test' });
  const gateway = await startGateway({
    site,
    siteKey: await readSiteKey(site),
    status,
    catalog,
    log: silentLog,
    version: '0',
  });
  try {
    await writeFile(join(world.root, 'payload', 'run.sh'), `#!/bin/bash\necho "$1 $2 $3" >> '${world.root}/ran'\n`, {
      mode: 0o755,
    });
    commands['requirements'] = 'false';
    const uuid = await dispatch([11, 12, 13], {
      gatewayUrl: gateway.url,
      workerDirectory: join(findPackageRoot(), 'dist', 'worker'),
    });
    const table = sql.table(status.role, 'production_status');
    await status.execute(sql`update ${table} set retired_at = now(), retired_reason = 'replaced' where run = 11`);
    await status.execute(sql`update ${table} set status = 'failed' where run = 12`);
    const isOurs = `SlurpSubmission == "${uuid}"`;
    await waitUntil(
      async () =>
        (await runCommand('condor_qedit', ['-constraint', isOurs, 'Requirements', 'true'])).exitCode === 0 || undefined,
      patience,
    );
    await waitUntil(async () => {
      const answer = await world.backend.queryQueue([uuid]);
      return answer.kind === 'answer' && answer.value.length === 0 ? true : undefined;
    }, patience);
    const ran = await readFile(join(world.root, 'ran'), 'utf8');
    expect(ran.split('\n').filter((line) => line !== '')).toHaveLength(1);
    expect(await become(13, 'finished')).toMatchObject({ exit_code: 0 });
    expect((await readAttempts(status)).map(({ run, status: state }) => [run, state])).toContainEqual([12, 'failed']);
  } finally {
    await gateway.close();
    await catalog.close();
  }
});
