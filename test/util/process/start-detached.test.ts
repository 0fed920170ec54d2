import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { readProcessStart } from '#util/process/read-process-start.ts';
import { startDetached } from '#util/process/start-detached.ts';
import { waitUntil } from '#util/wait-until.ts';

it('starts a program in a group of its own, whose output goes to the log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-detached-'));
  const logFile = join(directory, 'log');
  const pid = await startDetached('sh', ['-c', 'pwd; echo "$WORD" >&2; ps -o pgid= -p $$ | tr -d " "'], {
    cwd: directory,
    env: { PATH: process.env['PATH'], WORD: 'word' },
    logFile,
  });
  expect(await waitUntil(() => (readProcessStart(pid) === undefined ? true : undefined), { timeoutMs: 25_000 })).toBe(
    true,
  );
  expect(await readFile(logFile, 'utf8')).toBe(`${directory}\nword\n${pid}\n`);
  await rm(directory, { recursive: true });
});

it('says so when the program can not be started', async () => {
  await expect(startDetached('/nonexistent', [], { cwd: '/' })).rejects.toMatchObject({ code: 'ENOENT' });
});

it('knows this process, and none that never was', () => {
  expect(readProcessStart(process.pid)).toMatch(/^\d+$/);
  expect(readProcessStart(2 ** 22 + 1)).toBeUndefined();
});

it('keeps no file open when another cannot be opened', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-detached-'));
  const logFile = join(directory, 'log');
  const errorFile = join(directory, 'none', 'log');
  const starting = startDetached('true', [], { cwd: '/', logFile, errorFile });
  await expect(starting).rejects.toMatchObject({ code: 'ENOENT' });
  const open = await Promise.all(
    (await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  );
  expect(open).not.toContain(logFile);
  await rm(directory, { recursive: true });
});
