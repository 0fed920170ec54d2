import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { keepLogsScript } from '#batch/keep-logs.ts';
import { runCommand } from '#util/run-command.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-logs-'));
  for (const name of ['scratch', 'log dir']) await mkdir(join(root, name));
  await writeFile(join(root, 'scratch/stdout'), '');
  await writeFile(join(root, 'scratch/stderr'), '');
});
afterEach(() => rm(root, { recursive: true }));

/** Runs a payload between the two calls, and says what the batch system would put into the logs. */
async function run(payload: string, variables: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const log = join(root, 'log dir');
  const env = {
    ...{ PATH: '/usr/bin:/bin', LOGDIR: log, SLURP_STDOUT: join(log, 'a.out'), SLURP_STDERR: join(log, 'a.err') },
    ...variables,
  };
  const script = `(${keepLogsScript}); (${payload}) >>$1 2>>$2; (${keepLogsScript})`;
  const called = await runCommand('/bin/sh', ['-c', script, 'sh', 'stdout', 'stderr'], {
    cwd: join(root, 'scratch'),
    env,
  });
  expect(called).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  return Promise.all(['stdout', 'stderr'].map((name) => readFile(join(root, 'scratch', name), 'utf8')));
}

test.each([
  ['says all itself', 'echo said; echo cried >&2', ['said\n', 'cried\n']],
  ['writes into the log directory', 'echo said; echo log >"$LOGDIR/a.out"', ['said\nlog\n', '']],
  ['moves its logs there', 'echo log >a.out; echo err >a.err; mv a.out a.err "$LOGDIR"', ['log\n', 'err\n']],
  ['copies its log there', 'echo log >a.out; cp a.out "$LOGDIR"', ['log\n', '']],
  ['is stopped before it moves its log', 'echo said; echo log >a.out', ['said\nlog\n', '']],
])('a payload that %s (C-H8)', async (_, payload, expected) => {
  expect(await run(payload)).toEqual(expected);
});

test('a log of an earlier attempt is not taken for this one, unless it is written to', async () => {
  await writeFile(join(root, 'log dir/a.out'), 'old\n');
  await writeFile(join(root, 'log dir/a.err'), 'old\n');
  expect(await run('echo said; echo more >>"$LOGDIR/a.err"')).toEqual(['said\n', 'old\nmore\n']);
});

test('output and error in one file are kept once', async () => {
  const log = join(root, 'log dir/a.out');
  expect(await run('echo log >"$LOGDIR/a.out"', { SLURP_STDERR: log })).toEqual(['log\n', '']);
});

test('a job without log paths keeps its output', async () => {
  expect(await run('echo said', { SLURP_STDOUT: '', SLURP_STDERR: '/dev/null' })).toEqual(['said\n', '']);
});
