import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { canonicalPathOf } from '#util/file/canonical-path.ts';
import { canConnect } from '#util/process/can-connect.ts';
import { readProcessStat } from '#util/process/process-stat.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { startDetached } from '#util/process/start-detached.ts';
import { waitUntil } from '#util/wait-until.ts';

import { createData } from './create-data.ts';
import { findPostgres } from './postgres-binaries.ts';
import { findServerAccount } from './server-account.ts';

import type { PostgresBinaries } from './postgres-binaries.ts';
import type { ServerAccount } from './server-account.ts';

/** Absolute paths of one embedded PostgreSQL: data, socket, log, library links. */
export interface ServerDirectories {
  /** `PGDATA`; made at the first start. */
  readonly data: string;
  /** Holds the socket, so its path is short: see `socketDirectoryOf`. */
  readonly socket: string;
  /** The server's own log; appended. */
  readonly log: string;
  /** For links to libraries, where the package has none. */
  readonly links: string;
}

/** Optional parts of starting an embedded PostgreSQL; the defaults are those of a production. */
export interface StartOptions {
  /** Told what takes long. */
  readonly say?: (message: string) => void;
  /** Server settings beside or instead of ours, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Never waits for the disk; only for tests. */
  readonly isDisposable?: boolean;
}

const port = 5432;
const startTimeoutMs = 120_000;

function settingsOf(directories: ServerDirectories, options: StartOptions): Record<string, string> {
  // Parallel queries share memory there; in a container it is often 64 MB.
  const isSharedMemorySmall = ((info) => info.blocks * info.bsize < 512 * 1024 ** 2)(statfsSync('/dev/shm'));
  return {
    listen_addresses: '',
    unix_socket_directories: directories.socket,
    unix_socket_permissions: '0700',
    port: String(port),
    max_connections: '100',
    shared_buffers: '128MB',
    work_mem: '16MB',
    maintenance_work_mem: '64MB',
    effective_cache_size: '1GB',
    dynamic_shared_memory_type: isSharedMemorySmall ? 'mmap' : 'posix',
    // It is not replicated, and 16 MB of log files at a time are enough for a start.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_logical_replication_workers: '0',
    // On one machine three processes more for reading ahead are none the better.
    io_method: 'sync',
    checkpoint_timeout: '15min',
    // Compiling costs more than our statements take.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %a ',
    ...(options.isDisposable === true ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
}

/**
 * Up to 64 MB of freed memory stays with its process: otherwise recording 1,000 events takes 900 page faults, and 150
 * with this, and a page fault takes 20 µs in a virtual machine. The C library of GNU reads it, others ignore it.
 *
 * @see mallopt(3)
 */
const memoryEnvironment = { MALLOC_TRIM_THRESHOLD_: '67108864', MALLOC_MMAP_THRESHOLD_: '33554432' } as const;

interface PidFile {
  readonly pid: number;
  readonly isReady: boolean;
}

// Lines of postmaster.pid: pid, data directory, start, port, socket directory, address, shared memory, state.
function readPidFile(data: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, isReady: lines[7]?.trim() === 'ready' } : undefined;
  } catch {
    return undefined;
  }
}

// A process id is given away again: the server is known by its working directory, which is its data. The kernel shows it
// without symbolic links, and a home or a disk of an experiment is often reached through one.
async function isServerOf(data: string, pid: number): Promise<boolean> {
  if (readProcessStart(pid) === undefined) return false;
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return cwd === undefined || cwd === canonicalPathOf(data);
}

/** Returns whether the server was killed, so that its next start recovers what was under way; false while it runs. */
export function isPostgresLeftOpen(directories: ServerDirectories): boolean {
  // A server that is stopped takes its file away.
  const file = readPidFile(directories.data);
  return file !== undefined && readProcessStart(file.pid) === undefined;
}

/** Path of the unix socket that PostgreSQL creates in this directory; its name contains the fixed port. */
export function socketPathOf(socketDirectory: string): string {
  return join(socketDirectory, `.s.PGSQL.${port}`);
}

/** Tells the process id of the server, if it runs and takes connections; a millisecond. */
export async function findPostgresServer(directories: ServerDirectories): Promise<number | undefined> {
  const file = readPidFile(directories.data);
  if (file?.isReady !== true) return undefined;
  return (await canConnect(socketPathOf(directories.socket))) ? file.pid : undefined;
}

async function createOwnedDirectory(path: string, account: ServerAccount): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(path);
  const mine = process.getuid?.() ?? found.uid;
  if (!found.isDirectory() || (found.uid !== mine && found.uid !== account.owner?.uid)) {
    throw new SiteError(`'${path}' belongs to another user`, {
      code: 'site-directory-taken',
      advice: 'Move the site to a directory with a shorter path, or have that directory removed',
    });
  }
  if (account.owner !== undefined) await chown(path, account.owner.uid, account.owner.gid);
  await chmod(path, 0o700);
}

function checkVersion(directories: ServerDirectories, binaries: PostgresBinaries): void {
  const version = readFileSync(join(directories.data, 'PG_VERSION'), 'utf8').trim();
  if (version === String(binaries.major)) return;
  throw new SiteError(
    `'${directories.data}' was created by PostgreSQL ${version}, but the programs here are version ${binaries.major}`,
    {
      code: 'site-postgres-version',
      advice: `Use the SLURP that created it, or move that directory away and start again`,
    },
  );
}

/** Processes of the server of this data directory, whatever its process id file says. */
async function findServerProcesses(data: string): Promise<readonly number[]> {
  const own = canonicalPathOf(data);
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
    if (cwd === own && program?.endsWith('/postgres') === true) found.push(pid);
  }
  return found;
}

// Children of a killed server that are still busy hold its memory, and so keep a new one from starting.
async function stopLeftovers(data: string): Promise<void> {
  for (const pid of await findServerProcesses(data)) process.kill(pid, 'SIGQUIT');
}

// PostgreSQL takes a dead process for a running server as long as its parent has not asked how it ended. When that
// parent was killed too it takes a moment, and where the first process of a container never asks, for ever.
async function removeFileOfUncollected({ data }: ServerDirectories, pid: number): Promise<void> {
  if (readProcessStat(pid) === undefined) return;
  await stopLeftovers(data);
  const isAlone = await waitUntil(async () => ((await findServerProcesses(data)).length === 0 ? true : undefined), {
    timeoutMs: 30_000,
  });
  if (isAlone === true) await rm(join(data, 'postmaster.pid'), { force: true });
}

function readLastLines(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const fatal = lines.slice(-20).filter((line) => /FATAL|PANIC|ERROR/.test(line));
    return (fatal.length > 0 ? fatal : lines.slice(-3)).slice(-3).join('; ');
  } catch {
    return 'it left no log';
  }
}

async function startServer(
  directories: ServerDirectories,
  account: ServerAccount,
  binaries: PostgresBinaries,
  options: StartOptions,
): Promise<number | undefined> {
  const isRecovering = isPostgresLeftOpen(directories);
  const settings = Object.entries(settingsOf(directories, options)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const command = [...account.prefix, binaries.postgres, '-D', directories.data, ...settings];
  const pid = await startDetached(command[0] ?? binaries.postgres, command.slice(1), {
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...memoryEnvironment, ...binaries.environment },
    logFile: directories.log,
  });
  const since = performance.now();
  let hasSaid = false;
  const ended = await waitUntil(
    async () => {
      if ((await findPostgresServer(directories)) === pid) return 'ready';
      if (readProcessStart(pid) === undefined) return 'ended';
      if (!hasSaid && performance.now() - since > 2000) {
        hasSaid = true;
        options.say?.(isRecovering ? 'The database is recovering after a kill …' : 'Starting the database …');
      }
      return undefined;
    },
    { timeoutMs: startTimeoutMs },
  );
  return ended === 'ready' ? pid : undefined;
}

/**
 * Makes the embedded server's data if there are none, and starts it unless it runs; detached, reached by its socket
 * alone. Two at once are safe: one server comes of it. What a kill left behind is put away.
 *
 * @returns its process id
 * @throws SiteError `site-postgres-…`, `site-disk-full`, `site-server-account`, `site-directory-taken`
 * @see docs/site.md
 */
export async function startPostgres(directories: ServerDirectories, options: StartOptions = {}): Promise<number> {
  const running = await findPostgresServer(directories);
  if (running !== undefined) return running;
  const binaries = findPostgres(directories.links);
  const owner = await stat(directories.data).catch(() => undefined);
  const account = await findServerAccount(binaries, owner?.uid);
  await createOwnedDirectory(directories.socket, account);
  if (!existsSync(join(directories.data, 'PG_VERSION')))
    await createData({ ...options, data: directories.data, account, binaries });
  checkVersion(directories, binaries);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const pid = (await findOther(directories)) ?? (await startServer(directories, account, binaries, options));
    if (pid !== undefined) return pid;
    const file = readPidFile(directories.data);
    if (file === undefined || !(await isServerOf(directories.data, file.pid))) await stopLeftovers(directories.data);
  }
  throw new SiteError(`The database did not start: ${readLastLines(directories.log)}`, {
    code: 'site-postgres-start',
    advice: `Read '${directories.log}'`,
  });
}

// The server of another user, which may just be starting. PostgreSQL itself copes with the file of a dead one, but not if
// that process id was given to another program since.
async function findOther(directories: ServerDirectories): Promise<number | undefined> {
  const file = readPidFile(directories.data);
  if (file === undefined) return undefined;
  if (readProcessStart(file.pid) === undefined) {
    await removeFileOfUncollected(directories, file.pid);
    return undefined;
  }
  if (!(await isServerOf(directories.data, file.pid))) {
    await rm(join(directories.data, 'postmaster.pid'), { force: true });
    return undefined;
  }
  const found = await waitUntil(
    async () =>
      (await findPostgresServer(directories)) ?? (readProcessStart(file.pid) === undefined ? 'gone' : undefined),
    { timeoutMs: startTimeoutMs },
  );
  return typeof found === 'number' ? found : undefined;
}

/**
 * Stops the server: open transactions are rolled back, everything is written. Nothing happens if it does not run.
 *
 * @throws SiteError `site-postgres-stop` if it is still there after 30 s
 */
export async function stopPostgres(directories: ServerDirectories, how: 'fast' | 'immediate' = 'fast'): Promise<void> {
  const file = readPidFile(directories.data);
  if (file === undefined || !(await isServerOf(directories.data, file.pid))) return;
  try {
    process.kill(file.pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  } catch {
    return;
  }
  const isGone = await waitUntil(() => (readProcessStart(file.pid) === undefined ? true : undefined), {
    timeoutMs: 30_000,
  });
  if (isGone !== true) {
    throw new SiteError(`The database (process ${file.pid}) did not stop`, {
      code: 'site-postgres-stop',
      advice: `Read '${directories.log}'`,
    });
  }
}
