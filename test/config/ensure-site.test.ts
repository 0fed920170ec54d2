import { accessSync, chownSync, constants, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { ensureSite, findServing } from '#config/ensure-site.ts';
import { findSite } from '#config/find-site.ts';
import { findSlurpProgram } from '#config/find-slurp-program.ts';
import { findPostgresServer } from '#config/postgres/embedded-postgres.ts';
import { askSupervisor } from '#config/serve-record.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';
import { createStateDirectory } from '#config/state-directory.ts';
import { stopSite } from '#config/stop-site.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { readProcessStat } from '#util/process/process-stat.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { startDetached } from '#util/process/start-detached.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import type { Site } from '#model/site.ts';

const timeoutMs = 120_000;
const directories: string[] = [];
const sites: Site[] = [];

afterEach(async () => {
  for (const site of sites.splice(0)) await stopSite(site, { waitMs: 0, say: () => undefined });
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function makeDirectory(parent = tmpdir()): Promise<string> {
  const directory = await realpath(await mkdtemp(join(parent, 'slurp-ensure-')));
  directories.push(directory);
  return directory;
}

async function siteIn(cwd: string): Promise<Site> {
  const site = await findSite({ cwd, env: {}, isNewAllowed: true });
  sites.push(site);
  return site;
}

async function ensure(site: Site): Promise<readonly string[]> {
  const said: string[] = [];
  await ensureSite(site, { say: (line) => said.push(line) });
  return said.filter((line) => !line.startsWith('…'));
}

async function kill(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new Error('Nothing to kill');
  process.kill(pid, 'SIGKILL');
  await waitUntil(() => (readProcessStart(pid) === undefined ? true : undefined), { timeoutMs: 25_000 });
}

/** The signal takes effect when the process is next scheduled. */
async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const isStopped = (): true | undefined => (readProcessStat(pid)?.[0] === 'T' ? true : undefined);
  await waitUntil(isStopped, { timeoutMs: 25_000, everyMs: 5 });
}

async function countRows(site: Site): Promise<number> {
  const database = openDatabase(site.roles.status, { applicationName: 'test' });
  const [row] = await database.query<{ n: number }>(
    sql`select count(*) as n from ${sql.table(database.role, 'production_cursor')}`,
  );
  await database.close();
  return row?.n ?? -1;
}

async function putRow(site: Site): Promise<void> {
  const database = openDatabase(site.roles.status, { applicationName: 'test' });
  await database.execute(sql`
    insert into ${sql.table(database.role, 'production_cursor')} (dsttype, build, tag, version, lastrun)
    values ('DST_EVENT', 'new', 'tag', 0, 1)`);
  await database.close();
}

describe('an embedded site', () => {
  it(
    'is started at its first use, says so in one line, and then is simply there',
    async () => {
      const directory = await makeDirectory();
      const site = await siteIn(directory);
      expect(await ensure(site)).toEqual([
        `Starting site '${directory}/.slurp-site' (database, gateway, local queue) …`,
      ]);
      expect(await ensure(site)).toEqual([]);
      expect(statSync(site.stateDirectory).mode & 0o777).toBe(0o700);
      const serving = await findServing(site);
      expect(serving?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(await countRows(site)).toBe(0);

      const stopped = await stopSite(site, { waitMs: 1000, say: () => undefined });
      expect(stopped).toEqual({ wasRunning: true, left: 0 });
      expect(await stopSite(site, { waitMs: 0, say: () => undefined })).toEqual({ wasRunning: false, left: 0 });
      await ensure(site);
      expect((await findServing(site))?.url).toBe(serving?.url);
    },
    timeoutMs,
  );

  it(
    'lets go on what a signal stopped, at its next use and to stop it',
    async () => {
      const site = await siteIn(await makeDirectory());
      await ensure(site);
      const serving = assertPresent(await findServing(site), 'what serves').pid;
      const postgres = assertPresent(await findPostgresServer(serverDirectoriesOf(site.stateDirectory)), 'a server');
      await freeze(serving);
      await freeze(postgres);
      expect(await ensure(site)).toEqual([
        `Resumed 'slurp serve' (process ${serving}), which a signal had stopped`,
        `Resumed the database (process ${postgres}), which a signal had stopped`,
      ]);
      expect((await askSupervisor(site.stateDirectory))?.phase).toBe('ready');
      await freeze(serving);
      expect(await stopSite(site, { waitMs: 0, say: () => undefined })).toEqual({ wasRunning: true, left: 0 });
      expect(readProcessStart(serving)).toBeUndefined();
    },
    timeoutMs,
  );

  it(
    'heals, whatever was killed, at its next use, and keeps what was written',
    async () => {
      const site = await siteIn(await makeDirectory());
      await ensure(site);
      await putRow(site);
      const postgres = (): Promise<number | undefined> => findPostgresServer(serverDirectoriesOf(site.stateDirectory));
      const url = (await findServing(site))?.url;

      await kill(await postgres());
      await ensure(site);
      expect(await countRows(site)).toBe(1);

      await kill((await findServing(site))?.pid);
      await ensure(site);
      expect([await countRows(site), (await findServing(site))?.url]).toEqual([1, url]);

      await kill((await findServing(site))?.pid);
      await kill(await postgres());
      // Two at once: one supervisor comes of it.
      await Promise.all([ensure(site), ensure(site)]);
      expect(await countRows(site)).toBe(1);
      expect((await askSupervisor(site.stateDirectory))?.pid).toBe((await findServing(site))?.pid);

      await kill((await findServing(site))?.pid);
      expect(await stopSite(site, { waitMs: 0, say: () => undefined })).toEqual({ wasRunning: true, left: 0 });
      expect(await postgres()).toBeUndefined();
    },
    timeoutMs,
  );

  it(
    'lives under a path that is too long for a socket, and ends when its directory is removed',
    async () => {
      const directory = join(await makeDirectory(), 'a folder of a long name/'.repeat(6));
      await mkdir(directory, { recursive: true });
      const site = await siteIn(directory);
      await ensure(site);
      expect(await countRows(site)).toBe(0);
      const supervisor = await askSupervisor(site.stateDirectory);
      const postgres = await findPostgresServer(serverDirectoriesOf(site.stateDirectory));
      directories.push(serverDirectoriesOf(site.stateDirectory).socket);
      await rm(site.stateDirectory, { recursive: true, maxRetries: 20, retryDelay: 100 });
      for (const pid of [assertPresent(supervisor?.pid, 'a supervisor'), assertPresent(postgres, 'a server')]) {
        expect(
          await waitUntil(() => (readProcessStart(pid) === undefined ? true : undefined), { timeoutMs: 30_000 }),
        ).toBe(true);
      }
    },
    timeoutMs,
  );

  it(
    'is stopped in the midst of its start, and leaves nothing running',
    async () => {
      const site = await siteIn(await makeDirectory());
      // As 'slurp up' does: 'slurp serve' makes no new site.
      createStateDirectory(site.stateDirectory);
      const { command } = findSlurpProgram();
      const args = [...command.slice(1), 'serve', '--site', dirname(site.stateDirectory)];
      const pid = await startDetached(command[0], args, { cwd: dirname(site.stateDirectory) });
      const phase = await waitUntil(async () => (await askSupervisor(site.stateDirectory))?.phase, {
        timeoutMs: 60_000,
      });
      expect(phase).toBe('starting');
      expect(await stopSite(site, { waitMs: 0, say: () => undefined })).toEqual({ wasRunning: true, left: 0 });
      expect(readProcessStart(pid)).toBeUndefined();
      expect(await findPostgresServer(serverDirectoriesOf(site.stateDirectory))).toBeUndefined();
    },
    timeoutMs,
  );

  it(
    'says why it can not be started, and leaves nothing running',
    async () => {
      const directory = await makeDirectory();
      await writeFile(join(directory, 'slurp.yaml'), 'gateway: {host: 192.0.2.1}\n');
      const site = await siteIn(directory);
      await expect(ensure(site)).rejects.toMatchObject({
        code: 'site-start',
        message: expect.stringContaining("The gateway must not listen on '192.0.2.1' without encryption"),
      });
      expect(await findPostgresServer(serverDirectoriesOf(site.stateDirectory))).toBeUndefined();
    },
    timeoutMs,
  );

  it('reports that its directory cannot be created', async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, 'file'), '');
    const site = await findSite({ cwd: directory, env: {}, isNewAllowed: true });
    await expect(ensure({ ...site, stateDirectory: join(directory, 'file/.slurp-site') })).rejects.toMatchObject({
      code: 'site-state-unwritable',
    });
  });
});

/** Whether other accounts can reach the built commands, so that one of them can be tried. */
function isOpenToOthers(): boolean {
  for (let path = dirname(findSlurpProgram().file); ; path = dirname(path)) {
    if ((statSync(path).mode & constants.S_IXOTH) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

describe('an account that is not root', () => {
  it.for([
    { who: 'nobody', uid: 65_534 },
    { who: 'one without a name', uid: 54_321 },
  ])('runs a site of its own, without any other account: $who', { timeout: timeoutMs }, async ({ uid }, { skip }) => {
    skip(process.getuid?.() !== 0, 'only root can become another account');
    skip(!isOpenToOthers(), 'the checkout is in a directory that other accounts cannot pass');
    // The run's own directory for temporary files is closed to others.
    const directory = await makeDirectory('/tmp');
    await chmod(directory, 0o700);
    chownSync(directory, uid, uid);
    const { command } = findSlurpProgram();
    const become = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const inNamespace = await runCommand('setpriv', [...become, 'unshare', '--user', 'true']);
    skip(uid !== 65_534 && inNamespace.exitCode !== 0, 'user namespaces are not allowed here');
    const slurp = async (...args: readonly string[]): Promise<string> => {
      const prefix = [...become, ...command, ...args];
      const { PATH } = process.env;
      const result = await runCommand('setpriv', prefix, {
        cwd: directory,
        env: { PATH, HOME: directory, TMPDIR: directory },
      });
      return `${result.exitCode} ${result.stdout}${result.exitCode === 0 ? '' : result.stderr}`;
    };
    expect(await slurp('up')).toMatch(/^0 The site '.*' is up/);
    expect(statSync(join(directory, '.slurp-site/postgres')).uid).toBe(uid);
    expect(await slurp('down')).toMatch(/^0 The site '.*' is down/);
    accessSync(join(directory, '.slurp-site/postgres/PG_VERSION'));
  });
});
