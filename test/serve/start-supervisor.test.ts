import { mkdtemp, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findSite } from '#config/find-site.ts';
import { findPort, readKeptPort, writePort } from '#config/gateway-port.ts';
import { findPostgresServer, stopPostgres } from '#config/postgres/embedded-postgres.ts';
import { askSupervisor } from '#config/serve-record.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';
import { createStateDirectory } from '#config/state-directory.ts';
import { SiteError } from '#model/errors.ts';
import { findSiteStatus } from '#reports/find-site-status.ts';
import { startOnPort } from '#serve/start-on-port.ts';
import { startSupervisor } from '#serve/start-supervisor.ts';
import { assertPresent } from '#util/assert-present.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { waitUntil } from '#util/wait-until.ts';

import { testDatabases } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Site } from '#model/site.ts';
import type { Supervisor } from '#serve/start-supervisor.ts';

const timeoutMs = 120_000;
const open: Supervisor[] = [];
let home: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-supervise-')));
});

afterEach(async () => {
  for (const supervisor of open.splice(0)) await supervisor.close();
  await rm(home, { recursive: true, force: true });
}, timeoutMs);

async function start(site: Site): Promise<Supervisor> {
  const supervisor = await startSupervisor({ site, log: silentLog, say: () => undefined, version: '0' });
  open.push(supervisor);
  return supervisor;
}

describe('the supervisor of an embedded site', () => {
  it(
    'starts all, refuses a second one, heals the database, and ends all',
    async () => {
      const site = await findSite({ cwd: home, env: {}, isNewAllowed: true });
      const directories = serverDirectoriesOf(site.stateDirectory);
      const supervisor = await start(site);
      expect(await findSiteStatus(site)).toMatchObject({
        isUp: true,
        serve: { pid: process.pid, phase: 'ready' },
        gateway: { url: supervisor.url, health: 'ok' },
        queue: { running: 0, idle: 0, held: 0 },
        work: { unconfirmed: 0, attempts: {}, finishedWithoutProduct: 0 },
        stageouts: { pending: 0, aside: 0 },
        spools: 0,
      });
      await expect(start(site)).rejects.toMatchObject({ code: 'site-served' });

      const postgres = assertPresent(await findPostgresServer(directories), 'a server');
      process.kill(postgres, 'SIGKILL');
      const healed = await waitUntil(
        async () => {
          const found = await findPostgresServer(directories);
          return found === postgres ? undefined : found;
        },
        { timeoutMs: 60_000 },
      );
      expect(healed).toBeGreaterThan(0);

      await supervisor.drain();
      expect((await askSupervisor(site.stateDirectory))?.phase).toBe('draining');
      await supervisor.close();
      expect(readProcessStart(healed ?? 0)).toBeUndefined();
      expect(await findSiteStatus(site)).toMatchObject({ isUp: false, postgres: {} });
    },
    timeoutMs,
  );

  it(
    'leaves a site alone that another machine serves just now',
    async () => {
      const site = await findSite({ cwd: home, env: {}, isNewAllowed: true });
      const record = {
        pid: 1,
        startTime: '1',
        machine: 'elsewhere',
        url: 'http://x',
        port: 1,
        program: '',
        programTime: 0,
      };
      createStateDirectory(site.stateDirectory);
      const file = join(site.stateDirectory, 'gateway.json');
      await writeFile(file, JSON.stringify({ ...record, startedAt: '2024-06-30T12:00:00Z' }));
      await expect(start(site)).rejects.toMatchObject({
        message: `The site '${site.stateDirectory}' is already being served, on 'elsewhere'`,
      });
      await utimes(file, new Date(0), new Date(0));
      const broken = { ...site, gateway: { ...site.gateway, host: '192.0.2.1' } };
      await expect(start(broken)).rejects.toMatchObject({ code: 'gateway-insecure' });
      expect(await askSupervisor(site.stateDirectory)).toBeUndefined();
      await stopPostgres(serverDirectoriesOf(site.stateDirectory));
    },
    timeoutMs,
  );
});

describe('the supervisor of a site with databases of its own', () => {
  it(
    'starts no database, and changes no table unasked',
    async () => {
      const given = await testDatabases();
      const embedded = await findSite({ cwd: home, env: {}, isNewAllowed: true });
      const site: Site = { ...embedded, kind: 'external', roles: given.roles };
      const supervisor = await start(site);
      expect(await findSiteStatus(site)).toMatchObject({ isUp: true, gateway: { health: 'ok' } });
      await supervisor.close();
      const empty = { ...site, roles: { ...site.roles, status: { ...site.roles.status, schema: 'empty' } } };
      await expect(start(empty)).rejects.toMatchObject({ code: 'site-migrations', advice: "Run 'slurp db migrate'" });
      await given.close();
    },
    timeoutMs,
  );
});

describe('the port of the gateway', () => {
  const listen = (port: number): ReturnType<Parameters<typeof startOnPort>[1]> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', (cause) => reject(new SiteError('taken', { code: 'gateway-port-taken', cause })));
      server.listen(port, '127.0.0.1', () =>
        resolve({ port, url: '', close: () => new Promise((done) => void server.close(() => done())) }),
      );
    });

  it('is chosen once and kept, and another one if it is taken', async () => {
    const site = { stateDirectory: home, gateway: { host: '127.0.0.1', port: 0, isInsecure: false } };
    const first = await startOnPort(site, listen, silentLog);
    expect(await readKeptPort(home)).toBe(first.port);
    const second = await startOnPort(site, listen, silentLog);
    expect(second.port).not.toBe(first.port);
    await Promise.all([first.close(), second.close()]);
    const third = await startOnPort(site, listen, silentLog);
    expect(third.port).toBe(second.port);
    await third.close();
  });

  it('is the one of the site file, whether taken or not', async () => {
    const site = { stateDirectory: home, gateway: { host: '127.0.0.1', port: findPort(), isInsecure: false } };
    const first = await startOnPort(site, listen, silentLog);
    await expect(startOnPort(site, listen, silentLog)).rejects.toMatchObject({ code: 'gateway-port-taken' });
    await first.close();
    await writePort(home, 0);
    expect(await readKeptPort(home)).toBeUndefined();
  });
});
