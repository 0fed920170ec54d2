// Measures how many events a second the gateway takes: 50 connections in another process, one event a request, each
// acknowledged when committed; beside bare inserts of the same events. `npx tsx bench/ingest.ts [seconds]`
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

import { startPostgres, stopPostgres } from '#config/embedded-postgres.ts';
import { siteKey, tokenFor } from '#config/site-key.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { startGateway } from '#serve/start-gateway.ts';
import { eventOf, makeAttempts } from '#test/ingest/attempts.ts';
import { packageRoot } from '#util/package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Role } from '#model/site.ts';

const connections = 50;
const attemptCount = 2000;

/** What a client process measured. */
interface ClientFigures {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly failures: number;
}

function makeEvent(id: number, sequence: number, source: string): JobEvent {
  const kinds = [
    { kind: 'started', node: 'node1' },
    { kind: 'running' },
    { kind: 'nevents', nevents: 100, isIncrement: true },
    { kind: 'message', text: 'all well', flag: 1 },
  ] as const;
  return eventOf(id, sequence, kinds[sequence % 4] ?? kinds[1], { source, at: new Date().toISOString() });
}

/** The other process: `client URL SUBMISSION TOKEN FIRST_ID COUNT SECONDS`. */
async function runClient([
  url = '',
  submission = '',
  token = '',
  first,
  count,
  seconds,
]: string[]): Promise<ClientFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = {
    authorization: `Bearer ${token}`,
    'x-slurp-submission': submission,
    'content-type': 'application/json',
  };
  const post = (events: readonly JobEvent[]): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/v1/events`, { method: 'POST', headers, agent }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(JSON.stringify({ events }));
    });
  const end = performance.now() + Number(seconds) * 1000;
  const times: number[] = [];
  let failures = 0;
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const number = next++;
        const event = makeEvent(Number(first) + (number % Number(count)), Math.floor(number / Number(count)), 'http');
        const began = performance.now();
        if ((await post([event])) === 200) times.push(performance.now() - began);
        else failures += 1;
      }
    }),
  );
  agent.destroy();
  times.sort((one, other) => one - other);
  const at = (share: number): number => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(1));
  return { perSecond: Math.round(times.length / Number(seconds)), medianMs: at(0.5), p99Ms: at(0.99), failures };
}

async function measure(seconds: number, deed: (round: number) => Promise<number>): Promise<number> {
  const began = performance.now();
  let done = 0;
  for (let round = 0; performance.now() - began < seconds * 1000; round += 1) done += await deed(round);
  return Math.round(done / ((performance.now() - began) / 1000));
}

function bareInsert(status: Database, events: readonly JobEvent[]): Promise<number> {
  return status.execute(sql`
    insert into ${sql.table(status.role, 'production_event')} (cupsid, source, sequence, start, at, kind, detail)
    select (e ->> 'cupsid')::int, e ->> 'source', (e ->> 'sequence')::bigint, (e ->> 'start')::int,
           (e ->> 'at')::timestamp, e #>> '{detail,kind}', e -> 'detail'
    from jsonb_array_elements(${JSON.stringify(events)}::jsonb) e on conflict do nothing`);
}

async function main(seconds: number): Promise<object> {
  const directory = await mkdtemp('/tmp/slurp-bench-');
  const [data, socket] = [join(directory, 'postgres'), join(directory, 'run')];
  const folders = { data, socket, log: join(directory, 'postgres.log'), links: join(directory, 'lib') };
  await startPostgres(folders);
  const url = `postgresql:///slurp?host=${encodeURIComponent(socket)}&user=slurp`;
  const roleOf = (role: 'status' | 'catalog'): Role => ({ role, schema: role, url });
  await createDatabase(roleOf('status'));
  for (const role of ['status', 'catalog'] as const) await migrate(roleOf(role), join(packageRoot(), 'sql'));
  const status = openDatabase(roleOf('status'), { applicationName: 'bench', max: connections });
  const catalog = openDatabase(roleOf('catalog'), { applicationName: 'bench' });
  await ensureEventPartitions(status);
  const { submission, ids } = await makeAttempts(status, attemptCount);
  const first = ids[0] ?? 0;
  const key = await siteKey({ stateDirectory: directory });
  const quiet = (): undefined => undefined;
  const gateway = await startGateway({
    site: { gateway: { host: '127.0.0.1', port: 0, isInsecure: false }, spoolDirectory: join(directory, 'spool') },
    status,
    catalog,
    siteKey: key,
    version: 'bench',
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });

  const client = [
    gateway.url,
    submission,
    tokenFor(key, submission),
    String(first),
    String(attemptCount),
    String(seconds),
  ];
  const told = await runCommand('npx', ['tsx', join(packageRoot(), 'bench', 'ingest.ts'), 'client', ...client], {});
  const http: unknown = JSON.parse(told.stdout);

  const batch = (round: number, source: string, size: number): readonly JobEvent[] =>
    Array.from({ length: size }, (_, index) =>
      makeEvent(
        first + ((round * size + index) % attemptCount),
        Math.floor((round * size + index) / attemptCount),
        source,
      ),
    );
  const figures = {
    http,
    recordEventsBy1000: await measure(seconds, async (round) => {
      const events = batch(round, 'batch', 1000);
      return (
        await recordEvents(
          status,
          events.map((event) => ({ event })),
        )
      ).length;
    }),
    bareInsertBy1000: await measure(seconds, (round) => bareInsert(status, batch(round, 'bare', 1000))),
    bareInsertBy1On50Connections: await measure(seconds, async (round) => {
      const events = batch(round, 'single', connections);
      const counts = await Promise.all(events.map((event) => bareInsert(status, [event])));
      return counts.reduce((sum, one) => sum + one, 0);
    }),
  };
  await gateway.close();
  await status.close();
  await catalog.close();
  await stopPostgres(folders, 'immediate');
  await rm(directory, { recursive: true });
  return figures;
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'client') {
  process.stdout.write(JSON.stringify(await runClient(rest)));
} else {
  const figures = await main(Number(first ?? 5));
  const file = join(packageRoot(), 'bench', 'results', 'ingest.json');
  await mkdir(join(packageRoot(), 'bench', 'results'), { recursive: true });
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
}
