import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { recover } from '#settle/recover.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { valueOf } from '../batch/contract.ts';
import { clearAttempts, openDispatchWorld, readAttempts, readSubmissions } from '../dispatch/dispatch-world.ts';
import { bundleScript } from '../util/bundle-script.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Recovered } from '#model/report/reconciled.ts';

import type { DispatchWorld } from '../dispatch/dispatch-world.ts';

const faults = join(import.meta.dirname, '../faults/bin');
const htcondor = {
  commands: { requirements: 'false', request_memory: '20', request_disk: '1000' },
  commandTimeoutMs: 10_000,
};
const runs = [1, 2, 3, 4, 5];

let world: DispatchWorld;
let script: string;
const uuids = new Set<string>();
beforeAll(async () => {
  world = await openDispatchWorld({ htcondor });
  await mkdir(join(world.root, 'calls'));
  script = await bundleScript(join(import.meta.dirname, 'apply-process.ts'));
});
afterAll(async () => {
  const ours = [...uuids].map((uuid) => `"${uuid}"`).join(', ');
  await runCommand('condor_rm', ['-constraint', `member(SlurpSubmission, {${ours}})`]);
  await world.close();
  await rm(script);
});
beforeEach(async () => {
  await clearAttempts(world.status);
  await rm(join(world.root, 'calls', 'log'), { force: true });
});

/** Dispatches in a process of its own, which dies on the way or whose condor commands fail. */
async function dispatch(more: { readonly dieAt?: string } = {}, fault?: string): Promise<NodeJS.Signals | null> {
  const orders = { root: world.root, roles: world.site.roles, runs, htcondor, ...more };
  const child = fork(script, [JSON.stringify(orders)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
    env: {
      ...process.env,
      PATH: `${faults}:${process.env['PATH']}`,
      SLURP_FAULT: fault,
      SLURP_FAULT_LOG: join(world.root, 'calls', 'log'),
    },
  });
  await once(child, 'exit');
  for (const { uuid } of await readSubmissions(world.status)) uuids.add(uuid);
  return child.signalCode;
}

function recoverNow(): Promise<Recovered> {
  return recover({
    status: world.status,
    site: world.site,
    backend: world.backend,
    log: silentLog,
    say: () => undefined,
  });
}

/** What a command that goes on after the death of its caller may still do is waited for: here, by the clock of the row. */
async function letTimePass(): Promise<void> {
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'submission')} set reserved_at = reserved_at - interval '5 minutes'`);
}

/** Every product has one live attempt, every job in the schedd belongs to one, and nothing is left half done. */
async function expectAllWell(): Promise<void> {
  const attempts = await readAttempts(world.status);
  const live = attempts.filter(({ isLive }) => isLive);
  expect(live.map(({ run, status }) => [run, status])).toEqual(runs.map((run) => [run, 'submitted']));
  expect(attempts.some(({ status }) => status === 'submitting')).toBe(false);
  const inSchedd = async (): Promise<readonly number[]> =>
    valueOf(await world.backend.queryQueue((await readSubmissions(world.status)).map(({ uuid }) => uuid))).map(
      ({ cupsid }) => cupsid,
    );
  // A factory makes its jobs one after the other.
  await waitUntil(async () => (await inSchedd()).length >= runs.length || undefined, { timeoutMs: 60_000 });
  expect((await inSchedd()).toSorted((a, b) => a - b)).toEqual(live.map(({ id }) => id).toSorted((a, b) => a - b));
}

test.each([
  ['reserved', 'withdrawn'],
  ['submitted', 'confirmed'],
  ['confirming', 'confirmed'],
] as const)(
  'killed when it is %s: on the pool every product has one job after the next dispatch',
  async (dieAt, becomes) => {
    expect(await dispatch({ dieAt })).toBe('SIGKILL');
    await letTimePass();
    expect(await recoverNow()).toMatchObject({ [becomes]: 1 });
    await dispatch();
    await expectAllWell();
  },
);

test('killed when condor_submit was called: it ends its work, and its jobs are found', async () => {
  expect(await dispatch({ dieAt: 'sent' })).toBe('SIGKILL');
  const [submission] = await readSubmissions(world.status);
  await waitUntil(
    async () => valueOf(await world.backend.findSubmissions([submission?.uuid ?? ''])).length > 0 || undefined,
    {
      timeoutMs: 60_000,
    },
  );
  expect(await recoverNow()).toMatchObject({ withdrawn: 0 });
  await letTimePass();
  await dispatch();
  await expectAllWell();
  expect(await readSubmissions(world.status)).toMatchObject([{ state: 'confirmed', count: runs.length }]);
});

test.each(['lost', 'cut', 'silent', 'late'])(
  'the reply is %s: the jobs are found, and none is submitted again',
  async (fault) => {
    await dispatch({}, `condor_submit=${fault}`);
    await letTimePass();
    await dispatch();
    await expectAllWell();
    expect(await readSubmissions(world.status)).toMatchObject([{ state: 'confirmed', count: runs.length }]);
  },
);

test('the command hangs and does nothing: the attempts are taken back, and the next dispatch makes new ones', async () => {
  await dispatch({}, 'condor_submit=hang');
  await letTimePass();
  await dispatch();
  await expectAllWell();
});

test('the schedd does not answer: nothing is concluded, and nothing is submitted', async () => {
  await dispatch({ dieAt: 'submitted' });
  await letTimePass();
  await dispatch({}, 'condor_q=away condor_history=away condor_submit=away');
  expect(await readSubmissions(world.status)).toMatchObject([{ state: 'reserved' }]);
  await dispatch();
  await expectAllWell();
});
