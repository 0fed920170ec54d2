import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import {
  findPostgresServer,
  isPostgresLeftOpen,
  startPostgres,
  stopPostgres,
} from '#config/postgres/embedded-postgres.ts';
import { findPostgres } from '#config/postgres/postgres-binaries.ts';
import { serveLockNameOf } from '#config/serve-record.ts';
import { socketDirectoryOf } from '#config/site-directories.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { readProcessStat } from '#util/process/process-stat.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { directoriesIn } from '../../db/test-server.ts';

import type { ServerDirectories } from '#config/postgres/embedded-postgres.ts';
import type { Database } from '#db/connect.ts';

let directory: string;
let directories: ServerDirectories;

beforeAll(async () => {
  // What 'initdb' makes is tested here.
  vi.stubEnv('SLURP_DATABASE_TEMPLATE', undefined);
  // Closed to everybody else, as a home of root is.
  directory = await mkdtemp(join(tmpdir(), 'slurp-postgres-'));
  directories = directoriesIn(directory);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await stopPostgres(directories);
  await rm(directory, { recursive: true });
});

function connect(socket = directories.socket): Database {
  const url = `postgresql:///postgres?host=${encodeURIComponent(socket)}&user=slurp`;
  return openDatabase({ role: 'status', schema: 'public', url }, { applicationName: 'test', max: 2 });
}

async function killServer(): Promise<number> {
  const pid = assertPresent(await findPostgresServer(directories), 'the process of the server');
  process.kill(pid, 'SIGKILL');
  await waitUntil(() => (readProcessStart(pid) === undefined ? true : undefined), { timeoutMs: 25_000 });
  return pid;
}

describe('the embedded server', () => {
  it('is made once, even by two at once, on a socket and no port', async () => {
    const [one, other] = await Promise.all([startPostgres(directories), startPostgres(directories)]);
    expect(one).toBe(other);
    expect(await startPostgres(directories)).toBe(one);
    const database = connect();
    expect(
      await database.query(sql`
        select current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync,
               current_setting('server_encoding') as encoding, current_setting('timezone') as zone`),
    ).toEqual([{ addresses: '', fsync: 'on', encoding: 'UTF8', zone: 'UTC' }]);
    await database.close();
    expect((await readdir(directory)).filter((name) => name.startsWith('postgres.new'))).toEqual([]);
  });

  it('keeps every acknowledged row when it is killed, also with a query under way', async () => {
    const database = connect();
    await database.execute(sql`create table kept (n int)`);
    let acknowledged = 0;
    const writing = (async () => {
      for (let n = 1; ; n += 1) {
        await database.execute(sql`insert into kept values (${n})`);
        acknowledged = n;
      }
    })().catch(() => undefined);
    // A child that does not look at its parent for a while holds on to the memory of the dead server.
    const busy = database.query(sql`select count(*) from generate_series(1, 20000000)`).catch(() => undefined);
    await waitUntil(() => (acknowledged > 50 ? true : undefined), { timeoutMs: 20_000 });
    const killed = await killServer();
    await Promise.all([writing, busy]);
    await database.close();

    expect(await findPostgresServer(directories)).toBeUndefined();
    expect(isPostgresLeftOpen(directories)).toBe(true);
    expect(await startPostgres(directories)).not.toBe(killed);
    expect(isPostgresLeftOpen(directories)).toBe(false);
    const again = connect();
    const [row] = await again.query<{ n: number }>(sql`select count(*) as n from kept`);
    expect(row?.n).toBeGreaterThanOrEqual(acknowledged);
    await again.close();
  });

  it('starts although its old process id was given to another program', async () => {
    await killServer();
    const file = join(directories.data, 'postmaster.pid');
    const lines = readFileSync(file, 'utf8').split('\n');
    await writeFile(file, [String(process.pid), ...lines.slice(1)].join('\n'));
    expect(await startPostgres(directories)).toBeGreaterThan(0);
    await stopPostgres(directories);
    expect(existsSync(file)).toBe(false);
    expect(isPostgresLeftOpen(directories)).toBe(false);
    await stopPostgres(directories);
  });

  it('starts although nothing has collected its dead process', async () => {
    await startPostgres(directories);
    await killServer();
    // What was a shell does not know of the child, and never asks how it ended.
    const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      uid: statSync(directories.data).uid,
    });
    const [output]: readonly unknown[] = await once(parent.stdout, 'data');
    const pid = Number(String(output));
    const nameOf = (id = 0): string => readFileSync(`/proc/${id}/comm`, 'utf8').trim();
    const areOver = (): true | undefined => (nameOf(parent.pid) + nameOf(pid) === 'sleepsleep' ? true : undefined);
    expect(await waitUntil(areOver, { timeoutMs: 25_000 })).toBe(true);
    process.kill(pid, 'SIGKILL');
    await waitUntil(() => (readProcessStat(pid)?.[0] === 'Z' ? true : undefined), { timeoutMs: 25_000 });
    const file = join(directories.data, 'postmaster.pid');
    const lines = readFileSync(file, 'utf8').split('\n');
    await writeFile(file, [String(pid), ...lines.slice(1)].join('\n'));
    expect(await startPostgres(directories)).toBeGreaterThan(0);
    expect(readProcessStat(pid)?.[0]).toBe('Z');
    parent.kill('SIGKILL');
    await once(parent, 'close');
    await stopPostgres(directories);
  });

  it('is known for what it is through a link to its directory', async () => {
    const link = `${directory}-link`;
    await symlink(directory, link);
    const linked = { ...directoriesIn(link), socket: directories.socket };
    const pid = await startPostgres(linked);
    await stopPostgres(linked);
    await rm(link);
    expect(readProcessStart(pid)).toBeUndefined();
    expect(await findPostgresServer(directories)).toBeUndefined();
  });

  it('reports that its data are those of another version', async () => {
    const file = join(directories.data, 'PG_VERSION');
    const version = readFileSync(file, 'utf8');
    await writeFile(file, '9.6\n');
    await expect(startPostgres(directories)).rejects.toMatchObject({
      code: 'site-postgres-version',
      message: `'${directories.data}' was created by PostgreSQL 9.6, but the programs here are version 18`,
    });
    await writeFile(file, version);
  });

  it('says what its log says when it does not start', async () => {
    await expect(startPostgres(directories, { settings: { max_connections: 'many' } })).rejects.toMatchObject({
      code: 'site-postgres-start',
      message: expect.stringContaining('invalid value for parameter "max_connections": "many"'),
    });
  });

  it('copies what the first of several servers kept as a template', async () => {
    vi.stubEnv('SLURP_DATABASE_TEMPLATE', join(directory, 'template'));
    const identities: unknown[] = [];
    for (const name of ['first', 'second', 'third']) {
      const here = join(directory, name);
      await mkdir(here);
      await startPostgres(directoriesIn(here), { isDisposable: true });
      const database = connect(directoriesIn(here).socket);
      identities.push(await database.query(sql`select system_identifier from pg_control_system()`));
      await database.close();
      await stopPostgres(directoriesIn(here), 'immediate');
    }
    vi.stubEnv('SLURP_DATABASE_TEMPLATE', undefined);
    expect(identities[1]).toEqual(identities[0]);
    expect(identities[2]).toEqual(identities[0]);
    expect((await readdir(directory)).filter((name) => name.startsWith('template'))).toEqual(['template']);
  });

  it('refuses a directory for its socket that is a link', async () => {
    await symlink('/tmp', join(directory, 'link'));
    const other = { ...directoriesIn(join(directory, 'other')), socket: join(directory, 'link') };
    await mkdir(join(directory, 'other'));
    await expect(startPostgres(other)).rejects.toMatchObject({ code: 'site-directory-taken' });
  });
});

describe('the directory of the socket', () => {
  it('is in the state directory, or a short one where that path is too long', () => {
    expect(socketDirectoryOf('/home/me/.slurp-site')).toBe('/home/me/.slurp-site/run');
    const deep = `/home/${'deep/'.repeat(30)}.slurp-site`;
    expect(socketDirectoryOf(deep)).toMatch(/^\/tmp\/slurp-\d+-[0-9a-f]{16}$/);
    expect(socketDirectoryOf(deep)).toBe(socketDirectoryOf(deep));
    expect(socketDirectoryOf(`${deep}2`)).not.toBe(socketDirectoryOf(deep));
  });

  it('is the same by whichever path the site is reached, and so is the lock of its supervisor', async () => {
    const real = join(directory, 'a-long-name-for-a-folder'.repeat(6));
    const link = join(directory, 'short');
    await mkdir(real);
    await symlink(real, link);
    for (const end of ['', '/.slurp-site']) {
      expect(socketDirectoryOf(link + end)).toBe(socketDirectoryOf(real + end));
      expect(serveLockNameOf(link + end)).toBe(serveLockNameOf(real + end));
    }
  });
});

describe('the programs', () => {
  it('run without the links that an install script would have made', async () => {
    const found = findPostgres(join(directory, 'none'));
    const root = join(directory, 'package');
    const native = dirname(dirname(found.postgres));
    await cp(native, join(root, 'native'), { recursive: true, filter: (path) => !/\/lib\/[^/]*\.so\.60$/.test(path) });
    const bare = findPostgres(join(directory, 'links'), { native: join(root, 'native'), version: '18.4.0' });
    const alone = await runCommand(bare.postgres, ['--version'], { env: {} });
    expect(alone.stderr).toContain('error while loading shared libraries');
    const helped = await runCommand(bare.postgres, ['--version'], { env: bare.environment });
    expect(helped).toMatchObject({ exitCode: 0, stdout: 'postgres (PostgreSQL) 18.4\n' });
    await rm(root, { recursive: true });
  });
});
