import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { runCommand } from '#util/run-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'toy-'));
const toy = join(directory, 'toy.mjs');

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('toy.ts', import.meta.url))],
    outfile: toy,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function run(...args: readonly string[]): Promise<readonly [number | null, string, string]> {
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [toy, ...args]);
  return [exitCode, stdout, stderr];
}

it('ends with what the main function returns', async () => {
  expect(await run('say', 'hello')).toEqual([0, 'hello\n', '']);
  expect(await run('fail', '-e', '17')).toEqual([17, '', '']);
});

it('shows an error of ours with the exit code of its stage, and no stack', async () => {
  expect(await run('fail')).toEqual([50, '', 'toy: The pool is on fire\n']);
});

it('shows where an error came from with --debug', async () => {
  const [exitCode, , stderr] = await run('--debug', 'fail');
  expect(exitCode).toBe(50);
  expect(stderr).toContain('BatchError (batch-refused)');
  expect(stderr).toContain('toy.mjs');
});

it('shows an unforeseen error as a bug in SLURP', async () => {
  expect(await run('crash')).toEqual([
    1,
    '',
    "toy: Internal error: nobody foresaw this\n  This is a bug in SLURP: please report it with the output of '--debug'\n",
  ]);
});

it.each([
  [['say', 'x', '--bogus'], "toy: Unknown option '--bogus'\n  'toy say --help' lists the options\n"],
  [['say'], "toy: Argument text is missing\n  'toy say --help' lists the options\n"],
  [
    [],
    "toy: A subcommand is missing: expected one of say, fail, crash, flood, wait, hang\n  'toy --help' lists the options\n",
  ],
  [['fial'], "toy: Unknown subcommand 'fial': did you mean 'fail'?\n  'toy --help' lists the options\n"],
])('refuses %j and says where help is', async (args, stderr) => {
  expect(await run(...args)).toEqual([2, '', stderr]);
});

it('prints help to stdout', async () => {
  const [exitCode, stdout, stderr] = await run('fail', '--help');
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Usage: toy fail [options]');
});

it('completes the beginning of a long option, of a subcommand too', async () => {
  expect(await run('--no-s', 'fail', '--ex=4')).toEqual([4, '', '']);
});

it('lets a command continue when the reader of its output has ended', async () => {
  const { stdout, stderr, exitCode } = await runCommand('bash', [
    '-c',
    `'${process.execPath}' '${toy}' flood | head -n 1; exit "\${PIPESTATUS[0]}"`,
  ]);
  expect([stdout, stderr, exitCode]).toEqual(['water\n', 'toy: the reader has gone\n', 0]);
});

async function stop(command: string, signal: NodeJS.Signals): Promise<readonly unknown[]> {
  const child = spawn(process.execPath, [toy, command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child.stdout, 'data');
  child.kill(signal);
  const [exitCode]: unknown[] = await once(child, 'close');
  return [exitCode, stderr];
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('cleans up after %s, says how things stand, and ends with %i', async (signal, code) => {
  expect(await stop('wait', signal)).toEqual([code, 'toy: cleaned up\ntoy: interrupted\n']);
});

it('waits neither for the work nor for its clean-up where nothing was begun', async () => {
  expect(await stop('hang', 'SIGINT')).toEqual([130, 'toy: nothing was done\n']);
});

it('reports at the end that its output could not be written, and continues until then', async () => {
  const command = `"${process.execPath}" "${toy}" flood > /dev/full`;
  expect(await runCommand('bash', ['-c', command])).toMatchObject({
    exitCode: 3,
    stderr:
      'toy: the reader has gone\ntoy: The output could not be written completely\n' +
      '  because: no space left on device\n  Check the destination of the output; everything else that the command did is complete\n',
  });
  expect(await runCommand('bash', ['-c', `"${process.execPath}" "${toy}" fail 2> /dev/full`])).toMatchObject({
    exitCode: 50,
  });
});
