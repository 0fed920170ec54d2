import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

const pool = join(findPackageRoot(), 'test', 'pool');

/** Runs a program to its end, its messages to ours. */
async function run(file: string, ...args: string[]): Promise<string> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  if (exitCode !== 0) throw new Error(`'${file} ${args.join(' ')}' ended with exit code ${exitCode}`);
  return stdout;
}

/**
 * Brings up the pool of the tests, unless it is there, and runs a script of this directory as its user.
 *
 * @returns what it printed
 */
export async function runInPool(script: string, args: readonly string[]): Promise<string> {
  // What runs below hears the signal as well, cleans up and ends; then so do we.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const directory = await mkdtemp('/tmp/slurp-bench-pool-');
  const state = join(directory, 'state');
  try {
    await run(join(pool, 'start.sh'), '--state-file', state);
    const path = join(findPackageRoot(), 'bench', script);
    return await run(join(pool, 'run-as.sh'), process.execPath, '--import', 'tsx', path, ...args);
  } finally {
    await run(join(pool, 'stop.sh'), '--state-file', state);
    await rm(directory, { recursive: true });
  }
}
