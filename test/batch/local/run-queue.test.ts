import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { jobFilesOf } from '#batch/local/job-files.ts';
import { makeLocalBackend } from '#batch/local/make-local-backend.ts';
import { startLocalQueue } from '#batch/local/run-queue.ts';
import { openSubmissions, startIdleJobs } from '#batch/local/tend-jobs.ts';
import { waitUntil } from '#util/wait-until.ts';

import { bundleScript } from '../../util/bundle-script.ts';
import { silentLog } from '../../util/silent-log.ts';
import { eachOf, valueOf } from '../contract.ts';

import type { ChildProcess } from 'node:child_process';

import type { BatchJob, BatchJobReport } from '#batch/backend.ts';
import type { RunnerState } from '#batch/local/tend-jobs.ts';

let script: string;
let root: string;
let state: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  script = await bundleScript(join(import.meta.dirname, 'run-queue-process.ts'));
});
afterAll(() => rm(script));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-queue-'));
  state = join(root, 'state');
  for (const name of ['state', 'worker', 'told', 'submission']) await mkdir(join(root, name));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(root, { recursive: true });
});

async function startRunner(slots: number): Promise<ChildProcess> {
  const child = fork(script, [state, join(root, 'spool'), String(slots)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function submit(text: string, count: number): Promise<string> {
  const uuid = randomUUID();
  const executable = join(root, `${uuid}.sh`);
  await writeFile(executable, `#!/bin/sh\n${text}`, { mode: 0o755 });
  const jobs: BatchJob[] = Array.from({ length: count }, (_, process) => ({
    ...{ process, cupsid: 100 + process, dstfile: `DST-${process}`, executable, arguments: '', commands: {} },
  }));
  const outcome = await makeLocalBackend(state).submit(
    {
      ...{ uuid, count, batchName: 'test', directory: join(root, 'submission') },
      ...{ workerDirectory: join(root, 'worker'), submitDirectory: root, environment: {} },
      ...{ isSupervised: false, spoolDirectory: join(root, 'spool') },
    },
    eachOf(jobs),
  );
  expect(outcome.kind).toBe('accepted');
  return uuid;
}

async function untilEnded(uuid: string, count: number): Promise<readonly BatchJobReport[]> {
  const backend = makeLocalBackend(state);
  const history = await waitUntil(
    async () => {
      const reports = valueOf(await backend.queryHistory([uuid]));
      return reports.length === count ? reports : undefined;
    },
    { timeoutMs: 25_000, everyMs: 50 },
  );
  expect(history).toBeDefined();
  return history ?? [];
}

async function waitForReports(count: number): Promise<readonly string[]> {
  const names = await waitUntil(
    async () => {
      const found = await readdir(join(root, 'told'));
      return found.length >= count ? found : undefined;
    },
    { timeoutMs: 25_000 },
  );
  return (names ?? []).toSorted();
}

test('jobs continue when their runner is killed, and the next runner watches them to their end', async () => {
  const first = await startRunner(2);
  const uuid = await submit(
    `: > ${root}/told/begun-$cupsid\nwhile [ ! -e ${root}/go ]; do sleep 0.05; done\n: > ${root}/told/done-$cupsid\nexit 3\n`,
    3,
  );
  await waitForReports(2);
  await kill(first);
  await writeFile(join(root, 'go'), '');
  expect(await waitForReports(4)).toEqual(['begun-100', 'begun-101', 'done-100', 'done-101']);
  await startRunner(2);
  const history = await untilEnded(uuid, 3);
  expect(history.map(({ state: word, exitCode, starts }) => [word, exitCode, starts])).toEqual(
    Array.from({ length: 3 }, () => ['completed', 3, 1]),
  );
});

test('a killed runner leaves running jobs running, which the next one can still remove', async () => {
  const first = await startRunner(1);
  const uuid = await submit(`: > ${root}/told/begun-$cupsid\nexec sleep 60\n`, 1);
  await waitForReports(1);
  await kill(first);
  await startRunner(1);
  expect(valueOf(await makeLocalBackend(state).queryQueue([uuid]))).toMatchObject([{ state: 'running' }]);
  await makeLocalBackend(state).remove({ uuid }, 'enough');
  expect(await untilEnded(uuid, 1)).toMatchObject([{ state: 'removed', removeReason: 'enough' }]);
});

test('however often the runner is killed, each job is started once', async () => {
  const uuid = await submit(`echo once >> ${root}/told/$cupsid\nsleep 0.05\n`, 20);
  for (const delay of [0, 10, 30, 60, 100, 150, 200]) {
    const runner = await startRunner(3);
    await new Promise((resolve) => {
      setTimeout(resolve, delay);
    });
    await kill(runner);
  }
  await startRunner(3);
  const history = await untilEnded(uuid, 20);
  const reported = await Promise.all(
    (await waitForReports(20)).map((name) => readFile(join(root, 'told', name), 'utf8')),
  );
  expect(reported).toEqual(Array.from({ length: 20 }, () => 'once\n'));
  expect(history.every(({ state: word, exitCode }) => word === 'completed' && exitCode === 0)).toBe(true);
});

test.each(['0 (given up) X\n', ''])(
  'a start that a runner was just giving up when it was killed is made good by the next (claim %j)',
  async (claim) => {
    const uuid = await submit(`echo once >> ${root}/told/$cupsid.$SLURP_START\n`, 1);
    const directory = join(state, 'jobs', uuid);
    await mkdir(join(directory, 'run', '0.0', 'scratch'), { recursive: true });
    await writeFile(join(directory, 'run', '0.0', 'pid'), claim);
    await writeFile(
      join(directory, 'journal.jsonl'),
      '{"kind":"starting","process":0,"start":0,"at":"2026-11-24T08:00:00.000Z"}\n',
    );
    const options = { stateDirectory: state, spoolDirectory: join(root, 'spool'), slots: 1, log: silentLog };
    const queue = await startLocalQueue(options);
    expect(await untilEnded(uuid, 1)).toMatchObject([{ state: 'completed', exitCode: 0, starts: 2 }]);
    expect(await waitForReports(1)).toEqual(['100.1']);
    await queue.close();
  },
);

test('a job whose processes were all killed is gone without a result, and its reports are rescued', async () => {
  const queue = await startLocalQueue({
    ...{ stateDirectory: state, spoolDirectory: join(root, 'spool'), slots: 1, log: silentLog, everyMs: 100 },
  });
  const uuid = await submit(`echo report > spool-$cupsid-0.jsonl\necho $$ > ${root}/told/pid\nexec sleep 60\n`, 1);
  await waitForReports(1);
  const pid = Number(
    await waitUntil(async () => (await readFile(join(root, 'told', 'pid'), 'utf8')).trim() || undefined, {
      timeoutMs: 25_000,
    }),
  );
  const group = Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[4]);
  process.kill(-group, 'SIGKILL');
  expect(await untilEnded(uuid, 1)).toMatchObject([
    { state: 'removed', removeReason: expect.stringContaining('ended without a result') },
  ]);
  expect(await readFile(join(root, 'spool', 'spool-100-0.jsonl'), 'utf8')).toBe('report\n');
  await queue.close();
});

test('two runners never look after the same jobs', async () => {
  const options = { stateDirectory: state, spoolDirectory: join(root, 'spool'), slots: 1, log: silentLog };
  const queue = await startLocalQueue(options);
  await expect(startLocalQueue(options)).rejects.toMatchObject({ code: 'site-queue-taken' });
  await queue.close();
  await (await startLocalQueue(options)).close();
});

test('runs as many at once as there are slots, in order, and drains', async () => {
  const options = { stateDirectory: state, spoolDirectory: join(root, 'spool'), slots: 2, log: silentLog };
  const queue = await startLocalQueue(options);
  const uuid = await submit(`: > ${root}/told/$cupsid\nwhile [ ! -e ${root}/go ]; do sleep 0.05; done\n`, 5);
  expect(await waitForReports(2)).toEqual(['100', '101']);
  expect(queue.status()).toEqual({ slots: 2, running: 2, idle: 3, held: 0 });
  const drained = queue.drain();
  await writeFile(join(root, 'go'), '');
  await drained;
  expect(await waitForReports(2)).toEqual(['100', '101']);
  expect(valueOf(await makeLocalBackend(state).queryQueue([uuid]))).toHaveLength(3);
  await queue.close();
});

test('keeps of a successful job only what is recorded nowhere else', async () => {
  const options = { stateDirectory: state, spoolDirectory: join(root, 'spool'), slots: 2, log: silentLog };
  const queue = await startLocalQueue(options);
  const uuid = await submit('test $cupsid = 100 || echo said\ntest $cupsid = 102 && exit 1\nexit 0\n', 3);
  await untilEnded(uuid, 3);
  await waitUntil(async () => ((await readdir(join(state, 'jobs', uuid))).includes('ended') ? true : undefined), {
    timeoutMs: 25_000,
  });
  expect((await readdir(join(state, 'jobs', uuid), { recursive: true })).toSorted()).toEqual([
    'ended',
    'index',
    'journal.jsonl',
    'run',
    'run/1.0',
    'run/1.0/out',
    'run/2.0',
    'run/2.0/out',
    'run/2.0/pid',
    'run/2.0/result',
    'submission.json',
  ]);
  await queue.close();
});

test('starts a job that is released while others are being started', async () => {
  const uuid = await submit('exit 0\n', 3);
  const backend = makeLocalBackend(state);
  const runner: RunnerState = {
    ...{ files: jobFilesOf(state), spoolDirectory: join(root, 'spool'), slots: 3, graceMs: 0, log: silentLog },
    ...{ active: new Map(), ended: new Set(), watched: new Map(), idleFrom: new Map(), actions: new Set() },
    ...{ isDraining: false, endings: 0, poke: () => undefined },
  };
  await backend.hold({ uuid, cupsids: [100] }, 'test');
  await openSubmissions(runner);
  await backend.release({ uuid, cupsids: [100] }, 'test');
  await startIdleJobs(runner);
  expect([...runner.watched.values()].map(({ process }) => process).toSorted((one, other) => one - other)).toEqual([
    0, 1, 2,
  ]);
  await Promise.all(runner.actions);
});
