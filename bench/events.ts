// Measures what an event costs: one more event of an attempt that has 10 to 50,000; events in groups of 1,000 beside a bare
// insert of the same events; signs of life in such groups; and events over HTTP, one a request, from 50 and 500 connections.
// `npx tsx bench/events.ts [--json] [seconds]`
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { recordSigns } from '#db/status/sign/record-signs.ts';
import { makeAttempts } from '#test/ingest/attempts.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { medianOf, putFigures, startBenchServer } from './bench-server.ts';
import { measureHttp } from './event-http.ts';
import { makeEvent } from './make-event.ts';

import type { Database } from '#db/connect.ts';
import type { SignToRecord } from '#db/status/sign/record-signs.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Attempts } from '#test/ingest/attempts.ts';

import type { BenchServer } from './bench-server.ts';
import type { HttpFigures } from './event-http.ts';

const connections = [50, 500] as const;
const attemptCount = 2000;
const groupSize = 1000;
const sizes = [10, 1000, 10_000, 50_000] as const;
const repeats = 25;

/** What one more event takes where there are so many. */
interface OneMore {
  readonly events: number;
  readonly medianMs: number;
  readonly slowestMs: number;
}

/** Events a second. */
interface Rates {
  readonly bareInsert: number;
  readonly recordEvents: number;
  /** Groups of one attempt each, as a spool brings them. */
  readonly recordSpools: number;
  /** Signs of life, of as many attempts. */
  readonly recordSigns: number;
}

interface Figures extends Rates {
  readonly oneMore: readonly OneMore[];
  readonly http: readonly HttpFigures[];
}

function record(status: Database, events: readonly JobEvent[]): Promise<unknown> {
  return recordEvents(
    status,
    events.map((event) => ({ event })),
  );
}

async function measureOneMore(status: Database): Promise<readonly OneMore[]> {
  const [id = 0] = (await makeAttempts(status, 1)).ids;
  const figures: OneMore[] = [];
  let next = 0;
  const take = (count: number): readonly JobEvent[] =>
    Array.from({ length: count }, () => makeEvent(id, next++, 'spool'));
  for (const events of sizes) {
    while (next < events) await record(status, take(Math.min(groupSize, events - next)));
    const times: number[] = [];
    for (let round = 0; round < repeats; round += 1) {
      const [event] = take(1);
      const began = performance.now();
      if (event !== undefined) await record(status, [event]);
      times.push(performance.now() - began);
    }
    const inHundredths = times.map((ms) => ms * 100);
    figures.push({ events, medianMs: medianOf(inHundredths) / 100, slowestMs: Math.round(Math.max(...times)) });
  }
  return figures;
}

function bareInsert(status: Database, events: readonly JobEvent[]): Promise<number> {
  return status.execute(sql`
    insert into ${sql.table(status.role, 'production_event')} (cupsid, source, sequence, start, at, kind, detail)
    select (e ->> 'cupsid')::int, e ->> 'source', (e ->> 'sequence')::bigint, (e ->> 'start')::int,
           (e ->> 'at')::timestamp, e #>> '{detail,kind}', e -> 'detail'
    from jsonb_array_elements(${JSON.stringify(events)}::jsonb) e on conflict do nothing`);
}

/** Takes turns, so that what else the machine does hits all alike. */
async function measureRates(status: Database, { submission, ids }: Attempts, seconds: number): Promise<Rates> {
  const spooling = (await makeAttempts(status, attemptCount)).ids;
  const group = (round: number, source: string): readonly JobEvent[] =>
    Array.from({ length: groupSize }, (_, index) => {
      const number = round * groupSize + index;
      return makeEvent(ids[number % attemptCount] ?? 0, Math.floor(number / attemptCount), source);
    });
  const spool = (round: number): readonly JobEvent[] =>
    Array.from({ length: groupSize }, (_, index) => {
      const turn = Math.floor(round / attemptCount);
      return makeEvent(spooling[round % attemptCount] ?? 0, turn * groupSize + index, 'spool');
    });
  const signs = (round: number): readonly SignToRecord[] =>
    Array.from({ length: groupSize }, (_, index) => {
      const [cupsid = 0, at] = [ids[(round * groupSize + index) % attemptCount], new Date().toISOString()];
      return {
        submission,
        sign: { cupsid, start: 0, sequence: round, at, events: round, memoryBytes: 2e9, diskBytes: 1e10 },
      };
    });
  const contests = {
    bareInsert: (round: number) => bareInsert(status, group(round, 'bare')),
    recordEvents: (round: number) => record(status, group(round, 'batch')),
    recordSpools: (round: number) => record(status, spool(round)),
    recordSigns: (round: number) => recordSigns(status, signs(round)),
  };
  const took = { bareInsert: 0, recordEvents: 0, recordSpools: 0, recordSigns: 0 };
  let rounds = 0;
  for (const began = performance.now(); performance.now() - began < seconds * 3000; rounds += 1) {
    for (const name of ['bareInsert', 'recordEvents', 'recordSpools', 'recordSigns'] as const) {
      const start = performance.now();
      await contests[name](rounds);
      took[name] += performance.now() - start;
    }
  }
  const rate = (ms: number): number => Math.round((rounds * groupSize * 1000) / ms);
  return {
    bareInsert: rate(took.bareInsert),
    recordEvents: rate(took.recordEvents),
    recordSpools: rate(took.recordSpools),
    recordSigns: rate(took.recordSigns),
  };
}

async function measure(server: BenchServer, seconds: number): Promise<Figures> {
  const roles = (['status', 'catalog'] as const).map((role) => server.roleIn('slurp', role, role));
  const [statusRole] = roles;
  if (statusRole === undefined) throw new Error('No roles');
  await createDatabase(statusRole);
  for (const role of roles) await migrate(role, join(findPackageRoot(), 'sql'));
  const status = openDatabase(statusRole, { applicationName: 'bench' });
  try {
    await ensureEventPartitions(status);
    const attempts = await makeAttempts(status, attemptCount);
    const oneMore = await measureOneMore(status);
    const rates = await measureRates(status, attempts, seconds);
    return { oneMore, ...rates, http: await measureHttp(server, status, { seconds, connections }) };
  } finally {
    await status.close();
  }
}

function renderFigures({
  oneMore,
  bareInsert: bare,
  recordEvents: groups,
  recordSpools,
  recordSigns: signs,
  http,
}: Figures): string {
  const count = (value: number): string => value.toLocaleString('en').padStart(10);
  const rate = (label: string, perSecond: number): string =>
    `${label.padEnd(36)}${count(perSecond)}${(perSecond / bare).toFixed(2).padStart(14)}`;
  return `${[
    'one more event of an attempt with      median [ms]   slowest [ms]',
    ...oneMore.map(
      ({ events, medianMs, slowestMs }) =>
        `${`${count(events)} events`.padEnd(36)}${medianMs.toFixed(2).padStart(14)}${String(slowestMs).padStart(15)}`,
    ),
    '',
    `${' '.repeat(36)}  events/s  / bare insert`,
    rate('bare insert, groups of 1,000', bare),
    rate('record_events, 1,000 attempts each', groups),
    rate('record_events, one attempt each', recordSpools),
    rate('signs of life, 1,000 attempts each', signs),
    ...http.map(({ connections: over, perSecond }) => rate(`HTTP, ${over} connections`, perSecond)),
    '',
    'HTTP connections  median [ms]  99 % [ms]  events a commit   CPU of an event [µs]: client  gateway  database',
    ...http.map(
      ({ connections: over, medianMs, p99Ms, eventsPerCommit, cpuUs }) =>
        `${over}`.padStart(16) +
        `${medianMs}`.padStart(13) +
        `${p99Ms}`.padStart(11) +
        `${eventsPerCommit}`.padStart(17) +
        `${cpuUs.client}`.padStart(31) +
        `${cpuUs.gateway}`.padStart(9) +
        `${cpuUs.database}`.padStart(10),
    ),
    ...http.map(
      ({ connections: over, bound, others, failures }) =>
        `${over} connections are bounded by ${bound}; other programs used ${Math.round(others * 100)} % of the machine; ${failures} failures`,
    ),
  ].join('\n')}\n`;
}

const words = process.argv.slice(2);
const isJson = words.includes('--json');
const seconds = Number(words.find((word) => word !== '--json') ?? 5);
const server = await startBenchServer({ isDisposable: false });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close().then(() => process.kill(process.pid, signal)));
}
try {
  const figures = await measure(server, seconds);
  await putFigures('events', figures);
  process.stdout.write(isJson ? `${JSON.stringify(figures, null, 2)}\n` : renderFigures(figures));
} finally {
  await server.close();
}
