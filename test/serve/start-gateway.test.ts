import { mkdtemp, rm } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startPostgres, stopPostgres } from '#config/postgres/embedded-postgres.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { startGateway } from '#serve/start-gateway.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { directoriesIn } from '../db/test-server.ts';
import { headersOf, makeWorld, testKey } from '../gateway/gateway-world.ts';
import { eventOf, makeAttempts, readAttempt } from '../ingest/attempts.ts';
import { silentLog } from '../util/silent-log.ts';

import type { JobEvent } from '#model/job/job-event.ts';
import type { Role } from '#model/site.ts';
import type { GatewayOptions, RunningGateway } from '#serve/start-gateway.ts';

import type { GatewayWorld } from '../gateway/gateway-world.ts';

let world: GatewayWorld;
let scratch: string;
const running: RunningGateway[] = [];

beforeAll(async () => {
  world = await makeWorld();
  scratch = await mkdtemp(join(tmpdir(), 'slurp-gateway-'));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.close();
});
afterAll(async () => {
  await world.close();
  await rm(scratch, { recursive: true });
});

type Site = GatewayOptions['site'];
const siteOf = (gateway: Partial<Site['gateway']> = {}): Site => ({
  gateway: { host: '127.0.0.1', port: 0, isInsecure: false, ...gateway },
  spoolDirectory: join(scratch, 'spool'),
});

async function start(options: Partial<GatewayOptions> = {}): Promise<RunningGateway> {
  const gateway = await startGateway({ ...world, site: siteOf(), ...options });
  running.push(gateway);
  return gateway;
}

/** Posts events; undefined where the connection was closed. */
function post(url: string, submission: string, events: readonly JobEvent[]): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { ...headersOf(submission), 'content-type': 'application/json' };
    const sent = ask(`${url}/v1/events`, { method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
      answer.on('error', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined));
    sent.end(JSON.stringify({ events }));
  });
}

describe('startGateway', () => {
  it('answers on a port that it returns', async () => {
    const gateway = await start();
    const { submission, ids } = await makeAttempts(world.status, 1);
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`);
    expect(await post(gateway.url, submission, [eventOf(ids[0] ?? 0, 1, { kind: 'running' })])).toBe(200);
  });

  it('gives jobs the address that the site names', async () => {
    expect((await start({ site: siteOf({ url: 'https://slurp.example.org' }) })).url).toBe('https://slurp.example.org');
  });

  it('refuses to listen on all addresses unless configured so', async () => {
    await expect(start({ site: siteOf({ host: '0.0.0.0' }) })).rejects.toMatchObject({
      code: 'gateway-insecure',
      message:
        "The gateway must not listen on '0.0.0.0' without encryption: others on the network could read the jobs' tokens",
    });
    const open = await start({ site: siteOf({ host: '0.0.0.0', isInsecure: true }) });
    expect(open.url).toBe(`http://${hostname()}:${open.port}`);
    const tls = { certificateFile: '/nonexistent', keyFile: '/nonexistent' };
    await expect(start({ site: siteOf({ host: '0.0.0.0', tls }) })).rejects.toMatchObject({
      code: 'gateway-certificate',
    });
  });

  it('says that its port is taken', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toMatchObject({ code: 'gateway-port-taken' });
  });

  it('makes the partitions of the months around now', async () => {
    await start();
    const name = `production_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
    const find = async (): Promise<true | undefined> => {
      const rows = await world.status.query(sql`select 1 from pg_class where relname = ${name}`);
      return rows.length > 0 ? true : undefined;
    };
    expect(await waitUntil(find, { timeoutMs: 25_000 })).toBe(true);
  });

  it('finishes what it has received when it is closed, and waits for no idle client', async () => {
    const gateway = await start();
    const idle = connect(gateway.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    idle.on('error', () => undefined);
    const { submission, ids } = await makeAttempts(world.status, 1);
    const id = ids[0] ?? 0;
    const answers = Array.from({ length: 30 }, (_, index) =>
      post(gateway.url, submission, [eventOf(id, index, { kind: 'nevents', nevents: 1, isIncrement: true })]),
    );
    await Promise.race(answers);
    await gateway.close();
    const codes = await Promise.all(answers);
    idle.destroy();
    const acknowledged = codes.filter((code) => code === 200).length;
    expect(acknowledged).toBeGreaterThan(0);
    const { nevents } = await readAttempt(world.status, id);
    expect(nevents).toBeGreaterThanOrEqual(acknowledged);
  });

  it('answers those who speak no HTTP', async () => {
    const gateway = await start();
    const socket = connect(gateway.port, '127.0.0.1');
    const text = await new Promise<string>((resolve) => {
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      socket.on('close', () => resolve(heard));
      socket.write('good morning\r\n\r\n');
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /u);
  });
});

describe('a database that stops in the middle', () => {
  it('loses no acknowledged event', { timeout: 120_000 }, async () => {
    const directory = await mkdtemp('/tmp/slurp-stop-');
    const directories = directoriesIn(directory);
    await startPostgres(directories);
    const roleOf = (role: 'status' | 'catalog'): Role => ({
      role,
      schema: role,
      url: `postgresql:///slurp?host=${encodeURIComponent(directories.socket)}&user=slurp`,
    });
    await createDatabase(roleOf('status'));
    for (const role of ['status', 'catalog'] as const) await migrate(roleOf(role), join(findPackageRoot(), 'sql'));
    const [status, catalog] = (['status', 'catalog'] as const).map((role) =>
      openDatabase(roleOf(role), { applicationName: 'test', connectAttempts: 1 }),
    );
    if (status === undefined || catalog === undefined) throw new Error('unreachable');
    const { submission, ids } = await makeAttempts(status, 20);
    const gateway = await start({ status, catalog, siteKey: testKey, log: silentLog });

    const acknowledged = new Map<number, number>(ids.map((id) => [id, 0]));
    const acknowledgedCounts = new Map<number, number>(ids.map((id) => [id, 0]));
    const end = new AbortController();
    let refusals = 0;
    const job = async (id: number): Promise<void> => {
      for (let sequence = 0; !end.signal.aborted; sequence += 1) {
        const event = eventOf(id, sequence, { kind: 'nevents', nevents: 1, isIncrement: true });
        acknowledgedCounts.set(id, sequence + 1);
        // As a job does: the same again until it is taken.
        while (!end.signal.aborted) {
          const code = await post(gateway.url, submission, [event]);
          if (code === 200) {
            acknowledged.set(id, sequence + 1);
            break;
          }
          if (code !== 503) throw new Error(`status ${code}`);
          refusals += 1;
        }
      }
    };
    const jobs = ids.map(job);
    const total = (): number => [...acknowledged.values()].reduce((sum, one) => sum + one, 0);
    await waitUntil(() => (total() > 100 ? true : undefined), { timeoutMs: 25_000 });
    await stopPostgres(directories, 'immediate');
    await waitUntil(() => (refusals > 5 ? true : undefined), { timeoutMs: 25_000 });
    const before = total();
    await startPostgres(directories);
    await waitUntil(() => (total() > before + 100 ? true : undefined), { timeoutMs: 20_000 });
    end.abort();
    await Promise.all(jobs);
    expect(refusals).toBeGreaterThan(5);
    expect(total()).toBeGreaterThan(before + 100);
    for (const id of ids) {
      const { nevents } = await readAttempt(status, id);
      expect(nevents).toBeGreaterThanOrEqual(acknowledged.get(id) ?? 0);
      expect(nevents).toBeLessThanOrEqual(acknowledgedCounts.get(id) ?? 0);
    }
    for (const one of running.splice(0)) await one.close();
    await status.close();
    await catalog.close();
    await stopPostgres(directories, 'immediate');
    await rm(directory, { recursive: true });
  });
});
