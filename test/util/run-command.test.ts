import { expect, test } from 'vitest';

import { runCommand } from '#util/run-command.ts';

test('gathers what a program prints, and its exit code', async () => {
  const result = await runCommand('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3']);
  expect(result).toEqual({ exitCode: 3, signal: null, stdout: 'out\n', stderr: 'err\n', isTimedOut: false });
});

test('hands over arguments as they are, without a shell', async () => {
  const words = ['a b', '$HOME', '"quoted"', "it's", '*', '', 'back\\slash', 'line\nbreak'];
  const result = await runCommand('printf', ['%s|', ...words]);
  expect(result.stdout).toBe(words.map((word) => `${word}|`).join(''));
});

test('writes the input, and does not mind a program that reads none of it', async () => {
  expect((await runCommand('cat', [], { input: 'größer\n' })).stdout).toBe('größer\n');
  expect((await runCommand('true', [], { input: 'x'.repeat(1_000_000) })).exitCode).toBe(0);
});

test('uses the directory and the environment that it is given', async () => {
  const result = await runCommand('/bin/sh', ['-c', 'pwd; env'], { cwd: '/', env: { ONLY: 'this' } });
  expect(result.stdout).toMatch(/^\/\n/);
  expect(result.stdout).toContain('ONLY=this');
  expect(result.stdout).not.toContain('HOME=');
});

test('ends a program that hangs, also one that does not listen and has a child on its pipes', async () => {
  const polite = await runCommand('/bin/sh', ['-c', 'echo before; exec sleep 60'], { timeoutMs: 1000 });
  expect(polite).toEqual({ exitCode: null, signal: 'SIGTERM', stdout: 'before\n', stderr: '', isTimedOut: true });
  const stubborn = await runCommand('/bin/sh', ['-c', "trap '' TERM; sleep 3 & while :; do sleep 0.1; done"], {
    timeoutMs: 1000,
  });
  expect(stubborn).toMatchObject({ exitCode: null, signal: 'SIGKILL', isTimedOut: true });
});

test('says which program could not be started', async () => {
  await expect(runCommand('/no/such/program', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

test('does not wait without end for what a program has left on its pipes', async () => {
  const result = await runCommand('/bin/sh', ['-c', 'sleep 600 & echo $!'], { timeoutMs: 2000 });
  expect(result).toMatchObject({ exitCode: 0, isTimedOut: false, stdout: expect.stringMatching(/^\d+\n$/u) });
  process.kill(Number(result.stdout), 'SIGKILL');
});
