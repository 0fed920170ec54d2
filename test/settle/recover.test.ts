import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';

import { sql } from '#db/connect.ts';
import { lockSubmission } from '#db/status/submission/submission-lock.ts';
import { recover } from '#settle/recover.ts';
import { waitUntil } from '#util/wait-until.ts';

import { valueOf } from '../batch/contract.ts';
import { clearAttempts, openDispatchWorld, readAttempts, readSubmissions } from '../dispatch/dispatch-world.ts';
import { bundleScript } from '../util/bundle-script.ts';
import { silentLog } from '../util/silent-log.ts';

import type { ChildProcess } from 'node:child_process';

import type { BatchBackend } from '#batch/backend.ts';
import type { Recovered } from '#model/report/reconciled.ts';

import type { DispatchWorld } from '../dispatch/dispatch-world.ts';

let world: DispatchWorld;
let script: string;
beforeAll(async () => {
  world = await openDispatchWorld();
  script = await bundleScript(join(import.meta.dirname, 'apply-process.ts'));
});
afterAll(async () => {
  await world.close();
  await rm(script);
});
beforeEach(() => clearAttempts(world.status));

function start(
  runs: readonly number[],
  more: { readonly dieAt?: string; readonly rounds?: number } = {},
): ChildProcess {
  const orders = { root: world.root, roles: world.site.roles, runs, ...more };
  return fork(script, [JSON.stringify(orders)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
}

async function killedAt(step: string, runs: readonly number[]): Promise<void> {
  const [, signal] = await once(start(runs, { dieAt: step }), 'exit');
  expect(signal).toBe('SIGKILL');
  // The server sees a moment later that the dead process's session is gone, and only then gives its lock back.
  const isFree = await waitUntil(
    async () => {
      const [locks] = await world.status.query<{ count: number }>(sql`
        select count(*)::int as count from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`);
      return locks?.count === 0 ? true : undefined;
    },
    { timeoutMs: 20_000, everyMs: 20 },
  );
  expect(isFree).toBe(true);
}

function recoverNow(backend: BatchBackend = world.backend): Promise<Recovered> {
  return recover({ status: world.status, site: world.site, backend, log: silentLog, say: () => undefined });
}

/** Every product has one live attempt, every job in the batch system belongs to one, and nothing is left half done. */
async function expectAllWell(runs: readonly number[]): Promise<void> {
  const attempts = await readAttempts(world.status);
  const live = attempts.filter(({ isLive }) => isLive);
  expect(live.map(({ run, status }) => [run, status])).toEqual(runs.map((run) => [run, 'submitted']));
  expect(attempts.some(({ status }) => status === 'submitting')).toBe(false);
  const uuids = (await readSubmissions(world.status)).map(({ uuid }) => uuid);
  const jobs = valueOf(await world.backend.queryQueue(uuids));
  expect(jobs.map(({ cupsid }) => cupsid).toSorted((a, b) => a - b)).toEqual(
    live.map(({ id }) => id).toSorted((a, b) => a - b),
  );
}

const runs = [1, 2, 3, 4, 5, 6];

describe('killed', () => {
  test('before anything is reserved: nothing is left, and the next dispatch does it all', async () => {
    await killedAt('directory', runs);
    expect(await recoverNow()).toEqual({ confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 });
    expect(await readAttempts(world.status)).toEqual([]);
    await once(start(runs), 'exit');
    await expectAllWell(runs);
  });

  test('after reserving: the attempts are taken back, and the next dispatch makes new ones (C-P6)', async () => {
    await killedAt('reserved', runs);
    expect(await readAttempts(world.status)).toMatchObject(
      runs.map((run) => ({ run, status: 'submitting', isLive: true })),
    );
    await once(start(runs), 'exit');
    await expectAllWell(runs);
    const attempts = await readAttempts(world.status);
    expect(attempts.filter(({ isLive }) => !isLive)).toMatchObject(
      runs.map((run) => ({ run, attemptNumber: 1, retiredReason: expect.stringContaining('interrupted') })),
    );
  });

  test('half way through submitting: the batch system has nothing, and the next dispatch does it all', async () => {
    await killedAt('half submitted', runs);
    await once(start(runs), 'exit');
    await expectAllWell(runs);
  });

  test('after the batch system took the jobs: they are found and confirmed, none is submitted again', async () => {
    await killedAt('submitted', runs);
    expect(await readSubmissions(world.status)).toMatchObject([{ state: 'reserved' }]);
    expect(await recoverNow()).toEqual({ confirmed: 1, withdrawn: 0, waiting: 0, unknown: 0 });
    await expectAllWell(runs);
    await once(start(runs), 'exit');
    await expectAllWell(runs);
    expect(await readSubmissions(world.status)).toMatchObject([{ state: 'confirmed', count: 6 }]);
  });

  test('half way through confirming: they are found and confirmed', async () => {
    await killedAt('confirming', runs);
    expect(await readAttempts(world.status)).toMatchObject(runs.map((run) => ({ run, status: 'submitting' })));
    expect(await recoverNow()).toEqual({ confirmed: 1, withdrawn: 0, waiting: 0, unknown: 0 });
    await expectAllWell(runs);
  });

  test('after confirming: there is nothing to recover', async () => {
    await killedAt('confirmed', runs);
    expect(await recoverNow()).toEqual({ confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 });
    await expectAllWell(runs);
  });
});

describe('recovering', () => {
  test('waits when the batch system does not answer', async () => {
    await killedAt('reserved', runs);
    const silent = {
      ...world.backend,
      findSubmissions: () => Promise.resolve({ kind: 'unknown' as const, reason: 'no answer' }),
    };
    expect(await recoverNow(silent)).toEqual({ confirmed: 0, withdrawn: 0, waiting: 0, unknown: 1 });
    expect(await readAttempts(world.status)).toMatchObject(
      runs.map((run) => ({ run, status: 'submitting', isLive: true })),
    );
  });

  test('waits for a batch system in which a submission may appear late', async () => {
    await killedAt('reserved', runs);
    const slow = { ...world.backend, can: { ...world.backend.can, submitSettlesMs: 60_000 } };
    expect(await recoverNow(slow)).toEqual({ confirmed: 0, withdrawn: 0, waiting: 1, unknown: 0 });
    await world.status.execute(sql`
      update ${sql.table(world.status.role, 'submission')} set reserved_at = reserved_at - interval '2 minutes'`);
    expect(await recoverNow(slow)).toEqual({ confirmed: 0, withdrawn: 1, waiting: 0, unknown: 0 });
  });

  test('leaves a submission alone that another process is at work on', async () => {
    await killedAt('reserved', runs);
    const [submission] = await readSubmissions(world.status);
    await world.status.session(async (session) => {
      await lockSubmission(session, submission?.uuid ?? '');
      expect(await recoverNow()).toEqual({ confirmed: 0, withdrawn: 0, waiting: 1, unknown: 0 });
    });
    expect(await recoverNow()).toEqual({ confirmed: 0, withdrawn: 1, waiting: 0, unknown: 0 });
  });

  test('keeps what a job that was faster has reported (C-P5)', async () => {
    await killedAt('submitted', runs);
    await world.status.execute(sql`
      update ${sql.table(world.status.role, 'production_status')}
      set status = 'running', start = 0, started = now() where run = 3`);
    await recoverNow();
    const attempts = await readAttempts(world.status);
    expect(attempts.map(({ run, status }) => [run, status])).toContainEqual([3, 'running']);
    expect(attempts.every(({ cluster }) => cluster > 0)).toBe(true);
  });

  test('makes an attempt live again that the lost one had replaced', async () => {
    await once(start([1]), 'exit');
    const [old] = await readAttempts(world.status);
    await killedAt('reserved', [2]);
    const status = sql.table(world.status.role, 'production_status');
    await world.status.execute(sql`update ${status} set retired_at = now(), status = 'failed' where run = 1`);
    await world.status.execute(sql`
      update ${status} set replaces = ${old?.id ?? 0}, run = 1, attempt_number = 2, dstfile = (select dstfile from ${status} where run = 1)
      where run = 2`);
    expect(await recoverNow()).toMatchObject({ withdrawn: 1 });
    expect(await readAttempts(world.status)).toMatchObject([
      { id: old?.id, isLive: true },
      { isLive: false, status: 'failed' },
    ]);
  });

  test('takes the directory of a lost submission away', async () => {
    await killedAt('reserved', runs);
    const [submission] = await readSubmissions(world.status);
    await recoverNow();
    expect(await readdir(join(world.site.stateDirectory, 'submissions'))).not.toContain(submission?.uuid);
  });
});

test('two dispatchers at the same moment, twenty times: every product once', { timeout: 120_000 }, async () => {
  const [rounds, many] = [20, Array.from({ length: 50 }, (_, index) => index + 1)];
  const dispatchers = [start(many, { rounds }), start(many.toReversed(), { rounds })];
  const answersOf = dispatchers.map((child) => on(child, 'message'));
  const next = async (): Promise<readonly unknown[]> =>
    Promise.all(
      answersOf.map(async (answers) => {
        const { value } = await answers.next();
        return Array.isArray(value) ? value[0] : undefined;
      }),
    );
  for (let round = 0; round < rounds; round += 1) {
    expect(await next()).toEqual(['ready', 'ready']);
    for (const child of dispatchers) child.send('go');
    const totals = z.array(z.object({ submitted: z.number(), lost: z.number() })).parse(await next());
    expect(totals.reduce((sum, { submitted }) => sum + submitted, 0)).toBe(many.length);
    expect(totals.every(({ submitted, lost }) => submitted + lost === many.length)).toBe(true);
  }
  await expectAllWell(Array.from({ length: rounds }, (_, round) => many.map((run) => run + 100_000 * round)).flat());
});
