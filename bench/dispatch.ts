// Measures dispatches of new products to a real HTCondor, whose jobs never start: every step as kaedama itself reports it,
// beside the bare `condor_submit` of the same file and the bare insert of as many rows.
// `npx tsx bench/dispatch.ts [rounds] [jobs…]` brings up the pool of the tests, and removes what it made.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

import { putFigures } from './bench-server.ts';
import { roundsSchema } from './dispatch-figures.ts';
import { summaryOf } from './dispatch-summary.ts';
import { renderTable } from './dispatch-table.ts';

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

async function main(args: readonly string[]): Promise<void> {
  // What runs below hears the signal as well, cleans up and ends; then so do we.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const directory = await mkdtemp('/tmp/slurp-bench-pool-');
  const state = join(directory, 'state');
  try {
    await run(join(pool, 'start.sh'), '--state-file', state);
    const measure = join(findPackageRoot(), 'bench', 'dispatch-measure.ts');
    const output = await run(join(pool, 'run-as.sh'), process.execPath, '--import', 'tsx', measure, ...args);
    const rounds = roundsSchema.parse(JSON.parse(output));
    const summary = summaryOf(rounds);
    await putFigures('dispatch', { summary, rounds });
    process.stdout.write(renderTable(summary));
  } finally {
    await run(join(pool, 'stop.sh'), '--state-file', state);
    await rm(directory, { recursive: true });
  }
}

const [rounds = '3', ...jobs] = process.argv.slice(2);
await main([rounds, ...(jobs.length === 0 ? ['1000', '10000', '100000'] : jobs)]);
