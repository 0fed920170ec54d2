import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { readSiteKey, tokenOf } from '#config/read-site-key.ts';
import { sql } from '#db/connect.ts';
import { makeAttempts } from '#test/ingest/attempts.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { bundle } from '../scripts/bundle.ts';
import { measureProcess } from './bench-server.ts';

import type { Database } from '#db/connect.ts';

import type { BenchServer } from './bench-server.ts';

/** Events over HTTP, one a request, each acknowledged when it is committed. */
export interface HttpFigures {
  readonly connections: number;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly failures: number;
  /** Events that were committed together, on average. */
  readonly eventsPerCommit: number;
  /** CPU of an event, in microseconds. */
  readonly cpuUs: { readonly client: number; readonly gateway: number; readonly database: number };
  /** The share of the machine that was idle meanwhile, from 0 to 1, and the share that other programs used. */
  readonly idle: number;
  readonly others: number;
  /** What keeps the rate from being higher. */
  readonly bound: string;
}

const attemptCount = 2000;
const clientSchema = z.object({
  answered: z.number(),
  medianMs: z.number(),
  p99Ms: z.number(),
  failures: z.number(),
  cpuMs: z.number(),
});

/** Starts a gateway in a process of its own, bundled as `slurp serve` is, and sends it events from another one. */
export async function measureHttp(
  server: BenchServer,
  status: Database,
  { seconds, connections }: { readonly seconds: number; readonly connections: readonly number[] },
): Promise<readonly HttpFigures[]> {
  const programs = await Promise.all(['event-gateway', 'event-client'].map((name) => buildProgram(server, name)));
  const [gatewayProgram = '', clientProgram = ''] = programs;
  const roles = (['status', 'catalog'] as const).map((role) => JSON.stringify(server.roleIn('slurp', role, role)));
  const key = await readSiteKey({ stateDirectory: server.directory });
  const { submission, ids } = await makeAttempts(status, attemptCount);
  const gateway = spawn(process.execPath, [gatewayProgram, server.directory, ...roles], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      gateway.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      gateway.once('close', () => reject(new Error('The gateway did not start')));
    });
    const send = async (forSeconds: number, over: number): Promise<HttpFigures> => {
      const words = [url, submission, tokenOf(key, submission), ids[0] ?? 0, attemptCount, forSeconds, over];
      const before = await readCounters(server, status, gateway.pid);
      const { stdout } = await measureProcess(
        process.execPath,
        [clientProgram, ...words.map(String)],
        findPackageRoot(),
      );
      const after = await readCounters(server, status, gateway.pid);
      return makeFigures(over, clientSchema.parse(JSON.parse(stdout)), before, after);
    };
    await send(1, 10);
    const figures: HttpFigures[] = [];
    for (const over of connections) figures.push(await send(seconds, over));
    return figures;
  } finally {
    const ended = new Promise((resolve) => gateway.once('close', resolve));
    gateway.stdin.end();
    await ended;
  }
}

async function buildProgram(server: BenchServer, name: string): Promise<string> {
  const outfile = join(server.directory, `${name}.cjs`);
  await writeFile(outfile, await bundle({ entry: join(findPackageRoot(), 'bench', `${name}.ts`), outfile }));
  return outfile;
}

interface Counters {
  readonly atMs: number;
  readonly gatewayMs: number;
  readonly databaseMs: number;
  readonly commits: number;
  readonly machine: { readonly totalMs: number; readonly idleMs: number };
}

async function readCounters(server: BenchServer, status: Database, gateway = 0): Promise<Counters> {
  const [row] = await status.query<{ commits: number }>(sql`
    select xact_commit as commits from pg_stat_database where datname = current_database()`);
  const [, ...ticks] = ((await readFile('/proc/stat', 'utf8')).split('\n')[0] ?? '').split(/ +/u).map(Number);
  const sum = (fields: readonly number[]): number => fields.reduce((total, field) => total + field, 0) * 10;
  return {
    atMs: performance.now(),
    gatewayMs: await server.cpuMs(gateway),
    databaseMs: await server.cpuMs(),
    commits: row?.commits ?? 0,
    // user, nice, system, idle, iowait, irq, softirq, steal
    machine: { totalMs: sum(ticks.slice(0, 8)), idleMs: sum(ticks.slice(3, 5)) },
  };
}

function makeFigures(
  connections: number,
  client: z.infer<typeof clientSchema>,
  before: Counters,
  after: Counters,
): HttpFigures {
  const wallMs = after.atMs - before.atMs;
  const ofEvent = (ms: number): number => Math.round((ms * 1000) / Math.max(1, client.answered));
  const gatewayMs = after.gatewayMs - before.gatewayMs;
  const databaseMs = after.databaseMs - before.databaseMs;
  const totalMs = after.machine.totalMs - before.machine.totalMs;
  const idle = (after.machine.idleMs - before.machine.idleMs) / totalMs;
  const others = Math.max(0, 1 - idle - (client.cpuMs + gatewayMs + databaseMs) / totalMs);
  const cpuUs = { client: ofEvent(client.cpuMs), gateway: ofEvent(gatewayMs), database: ofEvent(databaseMs) };
  const inHundredths = (share: number): number => Math.round(share * 100) / 100;
  return {
    connections,
    perSecond: Math.round((client.answered * 1000) / wallMs),
    medianMs: client.medianMs,
    p99Ms: client.p99Ms,
    failures: client.failures,
    eventsPerCommit: Math.round(client.answered / Math.max(1, after.commits - before.commits)),
    cpuUs,
    idle: inHundredths(idle),
    others: inHundredths(others),
    bound: describeBound({ idle, cpuUs, gatewayShare: gatewayMs / wallMs, databaseShare: databaseMs / wallMs }),
  };
}

function describeBound(facts: {
  readonly idle: number;
  readonly cpuUs: HttpFigures['cpuUs'];
  readonly gatewayShare: number;
  readonly databaseShare: number;
}): string {
  const { client, gateway, database } = facts.cpuUs;
  const cores = availableParallelism();
  if (facts.gatewayShare > 0.9) return 'the one thread of the gateway';
  if (facts.databaseShare > 0.9) return 'the database: one group after the other';
  if (facts.idle > 0.1) return 'waiting: each connection sends when its last event is committed';
  const most = Math.round((cores * 1_000_000) / (client + gateway + database));
  return `CPU: ${client + gateway + database} µs an event, at most ${most.toLocaleString('en')}/s on these ${cores} CPUs alone`;
}
