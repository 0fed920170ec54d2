import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { builtProgram } from '../util/built-program.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slurp-code-cache-test-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Whether V8 takes the cache of a built command: the script that runs it, changed to print that. */
async function takesCache(
  name: 'kaedama' | 'ramenya' | 'slurp',
  change: (starter: string) => string = String,
): Promise<string> {
  const program = builtProgram(name).replace(/cjs$/u, 'program');
  await cp(program, join(directory, `${name}.program`));
  const starter = (await readFile(builtProgram(name), 'utf8')).replace(/^script\.runIn.*$/mu, '');
  await writeFile(join(directory, `${name}.cjs`), `${change(starter)}console.log(script.cachedDataRejected);`);
  const { stdout, stderr } = await runCommand(process.execPath, [join(directory, `${name}.cjs`)]);
  return stdout + stderr;
}

test.each(['kaedama', 'ramenya', 'slurp'] as const)('V8 takes the code cache that %s was built with', async (name) => {
  expect(await takesCache(name)).toBe('false\n');
});

test('another version of Node gets the text alone', async () => {
  expect(await takesCache('slurp', (starter) => starter.replace('process.version', "'v20.0.0'"))).toBe('undefined\n');
});

test('a command runs without its cache', async () => {
  const program = await readFile(builtProgram('kaedama').replace(/cjs$/u, 'program'));
  const { length } = JSON.parse(program.toString('latin1', 0, program.indexOf(10)));
  await cp(builtProgram('kaedama'), join(directory, 'kaedama.cjs'));
  await writeFile(join(directory, 'kaedama.program'), program.subarray(0, program.indexOf(10) + 1 + length));
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [join(directory, 'kaedama.cjs'), '--help']);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('kaedama');
});
