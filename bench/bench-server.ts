import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startPostgres, stopPostgres } from '#config/postgres/embedded-postgres.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import type { Role, RoleName } from '#model/site.ts';

/** A private server in a directory of its own, with the settings of an embedded site. */
export interface BenchServer {
  readonly directory: string;
  /** CPU that its processes used so far, ended ones as well. @param pid of another process, with its children, instead */
  cpuMs(pid?: number): Promise<number>;
  roleIn(database: string, role: RoleName, schema: string): Role;
  /** Stops it and removes the directory. */
  close(): Promise<void>;
}

/** Starts a {@link BenchServer}; a disposable one does not wait for the disk. */
export async function startBenchServer({ isDisposable = true } = {}): Promise<BenchServer> {
  const directory = await mkdtemp('/tmp/slurp-bench-');
  const socket = join(directory, 'run');
  const directories = {
    data: join(directory, 'postgres'),
    socket,
    log: join(directory, 'postgres.log'),
    links: join(directory, 'lib'),
  };
  await startPostgres(directories, { isDisposable });
  return {
    directory,
    cpuMs: async (pid) =>
      cpuOfFamily(pid ?? Number((await readFile(join(directories.data, 'postmaster.pid'), 'utf8')).split('\n')[0])),
    roleIn: (database, role, schema) => ({
      role,
      schema,
      url: `postgresql:///${database}?host=${encodeURIComponent(socket)}&user=slurp`,
    }),
    close: async () => {
      await stopPostgres(directories, 'immediate');
      await rm(directory, { recursive: true });
    },
  };
}

/** Milliseconds in a tick of `/proc/PID/stat`, the same on every Linux. */
const tickMs = 10;

interface ProcessTimes {
  readonly parent: number;
  readonly ownMs: number;
  /** Of the children that have ended. */
  readonly childrenMs: number;
}

async function timesOf(pid: number | 'self'): Promise<ProcessTimes | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // From the third field on: the second may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (field: number): number => Number(fields[field - 3]);
  return { parent: at(4), ownMs: (at(14) + at(15)) * tickMs, childrenMs: (at(16) + at(17)) * tickMs };
}

async function cpuOfFamily(pid: number): Promise<number> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
  const all = await Promise.all(names.map(async (name) => ({ name, times: await timesOf(name) })));
  const family = all.filter(({ name, times }) => name === pid || times?.parent === pid);
  return family.reduce((sum, { times }) => sum + (times?.ownMs ?? 0) + (times?.childrenMs ?? 0), 0);
}

/** What a whole process took. */
export interface ProcessFigures {
  readonly wallMs: number;
  /** With what it started and waited for. */
  readonly cpuMs: number;
  readonly peakMb: number;
}

/**
 * Runs a program to its end, one at a time; its memory is the high-water mark that the kernel keeps, read every 10 ms.
 *
 * @throws Error if it fails
 */
export async function measureProcess(
  file: string,
  args: readonly string[],
  cwd: string,
): Promise<ProcessFigures & { readonly stdout: string }> {
  const before = await timesOf('self');
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
  const cpuMs = ((await timesOf('self'))?.childrenMs ?? 0) - (before?.childrenMs ?? 0);
  if (exitCode !== 0) throw new Error(`'${file} ${args.join(' ')}' ended with exit code ${exitCode}`);
  return { wallMs: Math.round(wallMs), cpuMs, peakMb: Math.round(peakKb / 1024), stdout };
}

/** Writes figures to `bench/results/NAME.json`. */
export async function putFigures(name: string, figures: object): Promise<void> {
  const directory = join(findPackageRoot(), 'bench', 'results');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
}

/** The middle one of some figures; their mean if there is an even number. */
export function medianOf(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return Math.round(((sorted[low] ?? Number.NaN) + (sorted[high] ?? Number.NaN)) / 2);
}
