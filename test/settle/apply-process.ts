import { readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

import * as z from 'zod';

import { makeBackend } from '#batch/backends.ts';
import { openDatabase } from '#db/connect.ts';
import { applyPlan } from '#dispatch/apply-plan.ts';
import { recover } from '#settle/recover.ts';

import { makeTestSite, openReady, prepareTestRule, testPayload } from '../dispatch/dispatch-world.ts';
import { silentLog } from '../util/silent-log.ts';

import type { BatchBackend } from '#batch/backend.ts';

const role = z.object({ role: z.enum(['daq', 'raw', 'catalog', 'status']), url: z.string(), schema: z.string() });

/** What this process is told: where it works, on which runs, and where it is to die. */
const orders = z
  .object({
    root: z.string(),
    roles: z.object({ daq: role, raw: role, catalog: role, status: role }),
    runs: z.array(z.number()),
    dieAt: z
      .enum(['directory', 'reserved', 'half submitted', 'sent', 'submitted', 'confirming', 'confirmed'])
      .optional(),
    /** On HTCondor, with these submit commands of the site. */
    htcondor: z.object({ commands: z.record(z.string(), z.string()), commandTimeoutMs: z.number() }).optional(),
    /** How often it dispatches, each time a hundred thousand runs further on; waits for a message each time. */
    rounds: z.number().optional(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const { root, roles, runs, dieAt } = orders;
const site = makeTestSite(`${root}/state`, roles, orders.htcondor);
const status = openDatabase(roles.status, { applicationName: 'apply-process' });
const real = makeBackend(site);
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

/** Dies when half of the items are written. */
async function* dyingHalfWay<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    if (count >= runs.length / 2) die();
    count += 1;
    yield item;
  }
}

const log = process.env['SLURP_FAULT_LOG'];
if (dieAt === 'sent' && log !== undefined) {
  // The programs in test/faults/bin write down when they are called.
  watch(dirname(log), (_, name) => {
    if (name !== null && log.endsWith(`/${name}`) && readFileSync(log, 'utf8').includes('condor_submit')) die();
  });
}

const backend: BatchBackend =
  dieAt === 'half submitted'
    ? { ...real, submit: (submission, items) => real.submit(submission, dyingHalfWay(items)) }
    : real;

await recover({ status, site, backend, log: silentLog, say: () => undefined });
const prepared = prepareTestRule(root);
const payload = testPayload(root);

async function dispatch(round: number): Promise<void> {
  const session = await openReady(
    status,
    runs.map((run) => run + 100_000 * round),
  );
  if (orders.rounds !== undefined) {
    process.send?.('ready');
    await new Promise((resolve) => {
      process.once('message', resolve);
    });
  }
  const { submitted, lost } = await applyPlan({
    ...{ session, status, site, backend, prepared, payload, log: silentLog },
    ...{ ready: runs.length, gatewayUrl: 'http://127.0.0.1:1', workerDirectory: `${root}/worker` },
    onStep: (step) => {
      if (step === dieAt) die();
    },
  });
  await session.close();
  process.send?.({ submitted, lost });
}

for (let round = 0; round < (orders.rounds ?? 1); round += 1) await dispatch(round);
await status.close();
process.disconnect?.();
