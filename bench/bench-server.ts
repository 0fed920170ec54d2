import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startPostgres, stopPostgres } from '#config/embedded-postgres.ts';
import { packageRoot } from '#util/package-root.ts';

import type { Role, RoleName } from '#model/site.ts';

/** A private server in a folder of its own, with the settings of an embedded site, except that it may lose data. */
export interface BenchServer {
  readonly directory: string;
  roleIn(database: string, role: RoleName, schema: string): Role;
  /** Stops it and removes the folder. */
  close(): Promise<void>;
}

/** Starts a {@link BenchServer}. */
export async function startBenchServer(): Promise<BenchServer> {
  const directory = await mkdtemp('/tmp/slurp-bench-');
  const socket = join(directory, 'run');
  const folders = {
    data: join(directory, 'postgres'),
    socket,
    log: join(directory, 'postgres.log'),
    links: join(directory, 'lib'),
  };
  await startPostgres(folders, { isDisposable: true });
  return {
    directory,
    roleIn: (database, role, schema) => ({
      role,
      schema,
      url: `postgresql:///${database}?host=${encodeURIComponent(socket)}&user=slurp`,
    }),
    close: async () => {
      await stopPostgres(folders, 'immediate');
      await rm(directory, { recursive: true });
    },
  };
}

/** What a whole process took. */
export interface ProcessFigures {
  readonly wallMs: number;
  readonly peakMb: number;
}

/** Runs a program to its end; its memory is the high-water mark that the kernel keeps, read every 10 ms. */
export async function measureProcess(
  file: string,
  args: readonly string[],
  cwd: string,
): Promise<ProcessFigures & { readonly stdout: string }> {
  const began = performance.now();
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  let peakKb = 0;
  const look = setInterval(() => {
    void readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').then(
      (text) => {
        peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0));
      },
      () => undefined,
    );
  }, 10);
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  clearInterval(look);
  const wallMs = performance.now() - began;
  if (exitCode !== 0) throw new Error(`'${file} ${args.join(' ')}' ended with exit code ${exitCode}`);
  return { wallMs: Math.round(wallMs), peakMb: Math.round(peakKb / 1024), stdout };
}

/** Writes figures to `bench/results/NAME.json`. */
export async function putFigures(name: string, figures: object): Promise<void> {
  const directory = join(packageRoot(), 'bench', 'results');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
}

/** The middle one of some figures; their mean if there is an even number. */
export function medianOf(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return Math.round(((sorted[low] ?? Number.NaN) + (sorted[high] ?? Number.NaN)) / 2);
}
