// The part of `bench/chain.ts` that runs as the pool's user; prints its figures as JSON. `chain-measure.ts [OLDER]`
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { makeEventRecorder } from '#ingest/event-recorder.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { makeStageoutApplier } from '#ingest/stageout-applier.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { startRepeating } from '#util/start-repeating.ts';
import { waitUntil } from '#util/wait-until.ts';

import { startBenchServer } from './bench-server.ts';
import { dstfileSql, putAttempts, segmentsPerRun } from './calo-chain.ts';
import { makeDispatchWorld } from './dispatch-world.ts';

import type { ChildProcess } from 'node:child_process';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';

import type { ChainPhase } from './chain-figures.ts';
import type { DispatchWorld } from './dispatch-world.ts';

/** Registrations a second, and how many. */
const phases = [
  { rate: 1, products: 20 },
  { rate: 100, products: 2000 },
] as const;

/** The new products belong to so many runs at a time. */
const runsAtOnce = 20;

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
const backend = makeHtcondorBackend({
  ...{ commands: {}, maxJobsPerSubmission: 1_000_000, schedds: [], commandTimeoutMs: 600_000 },
});

/** An attempt whose product is about to be registered. */
interface Upstream {
  readonly id: number;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
}

/** Puts running attempts of `DST_CALOFITTING`, from a run on. */
function putUpstream(status: Database, firstRun: number, products: number): Promise<readonly Upstream[]> {
  return status.query<Upstream>(sql`
    insert into ${sql.table(status.role, 'production_status')}
      (dsttype, dstname, dstfile, run, segment, inputs, ranges, prod_id, status, submitting, submitted, started, running,
       rule, execution_node, submission_host)
    select 'DST_CALOFITTING_run2pp', 'DST_CALOFITTING_run2pp_ana437_2024p007_v001', ${dstfileSql('DST_CALOFITTING')}, run,
      segment, '/raw/a.prdf', 'a:0:9', 1, 'running', now(), now(), now(), now(), 'DST_CALOFITTING', 'node0123', 'submit01'
    from (
      select ${firstRun}::int + n / ${runsAtOnce * segmentsPerRun}::int * ${runsAtOnce}::int + n % ${runsAtOnce}::int as run,
        n / ${runsAtOnce}::int % ${segmentsPerRun}::int as segment
      from generate_series(0, ${products - 1}::int) n
    ) s
    returning id, dstfile, run, segment`);
}

function stageoutOf({ id, dstfile, run }: Upstream): JobEvent {
  const lfn = `${dstfile}.root`;
  const path = `/lustre/production/run2pp/physics/ana437_2024p007_v001/DST_CALOFITTING/run_${run}/dst/${lfn}`;
  const file = {
    lfn,
    path,
    host: 'lustre',
    sizeBytes: 123_456_789,
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    events: 1000,
  };
  return {
    ...{ cupsid: id, source: 'bench', sequence: 0, start: 0, at: new Date().toISOString() },
    detail: { kind: 'stageout', file },
  };
}

/** Registers products at a rate, as a gateway does. @returns when each was registered, ms since 1970 */
async function register(
  databases: { readonly status: Database; readonly catalog: Database },
  products: readonly Upstream[],
  rate: number,
): Promise<ReadonlyMap<string, number>> {
  const resources = { ...databases, log };
  const applier = makeStageoutApplier(resources);
  const tools = { ...resources, recorder: makeEventRecorder(resources), applier };
  // What the catalog did not take in time is tried again.
  const repeating = startRepeating(async () => {
    await applier.applyPending();
    return 1000;
  });
  try {
    const beganMs = performance.now();
    const open: Promise<unknown>[] = [];
    for (const [index, product] of products.entries()) {
      const waitMs = beganMs + (index * 1000) / rate - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      const registering = ingestEvents(tools, [stageoutOf(product)]);
      // What fails is reported below.
      registering.catch(() => undefined);
      open.push(registering);
    }
    await Promise.all(open);
    const registered = await waitUntil(
      async () => {
        const found = await findRegistered(databases.status, products);
        return found.size === products.length ? found : undefined;
      },
      { timeoutMs: 120_000, everyMs: 250 },
    );
    if (registered === undefined) throw new Error(`Not all of ${products.length} products were registered`);
    return registered;
  } finally {
    await repeating.stop();
  }
}

async function findRegistered(status: Database, products: readonly Upstream[]): Promise<ReadonlyMap<string, number>> {
  const rows = await status.query<{ id: number; appliedAt: Date }>(sql`
    select cupsid as id, applied_at as "appliedAt" from ${sql.table(status.role, 'production_event')}
    where cupsid = any(${products.map(({ id }) => id)}::int[]) and applied_at is not null`);
  const names = new Map(products.map(({ id, dstfile }) => [id, dstfile.replace('DST_CALOFITTING', 'DST_CALO')]));
  return new Map(rows.map(({ id, appliedAt }) => [names.get(id) ?? '', appliedAt.getTime()]));
}

interface Submitted {
  readonly dstfile: string;
  readonly submitted: Date;
  readonly uuid: string;
}

function findSubmitted(status: Database, firstRun: number): Promise<readonly Submitted[]> {
  return status.query<Submitted>(sql`
    select dstfile, submitted, submission_id::text as uuid from ${sql.table(status.role, 'production_status')}
    where dsttype = 'DST_CALO_run2pp' and run >= ${firstRun} and status = 'submitted'`);
}

async function measurePhase(
  databases: { readonly status: Database; readonly catalog: Database },
  firstRun: number,
  { rate, products }: { readonly rate: number; readonly products: number },
): Promise<ChainPhase> {
  const { status } = databases;
  const upstream = await putUpstream(status, firstRun, products);
  const registered = await register(databases, upstream, rate);
  const done = await waitUntil(
    async () => {
      const found = await findSubmitted(status, firstRun);
      return found.length === products ? found : undefined;
    },
    { timeoutMs: 120_000, everyMs: 250 },
  );
  if (done === undefined) throw new Error(`Not all of ${products} jobs were submitted`);
  const times = done
    .map(({ dstfile, submitted }) => ({ at: submitted.getTime(), from: registered.get(dstfile) ?? Number.NaN }))
    .sort((one, other) => one.from - other.from)
    .map(({ at, from }) => Math.max(0, at - from));
  const at = (part: readonly number[], share: number): number =>
    [...part].sort((one, other) => one - other)[Math.ceil(part.length * share) - 1] ?? Number.NaN;
  const uuids = [...new Set(done.map(({ uuid }) => uuid))];
  const queue = await backend.queryQueue(uuids);
  return {
    ...{ rate, products, submissions: uuids.length },
    ...{ medianMs: at(times, 0.5), p95Ms: at(times, 0.95), maxMs: at(times, 1) },
    lastQuarterP95Ms: at(times.slice(-Math.ceil(times.length / 4)), 0.95),
    jobsInQueue: queue.kind === 'answer' ? queue.value.length : Number.NaN,
  };
}

/** Starts the loop, and waits for the end of its first cycle. */
async function startLoop(
  world: DispatchWorld,
): Promise<{ readonly loop: ChildProcess; readonly firstCycleMs: number }> {
  const beganMs = performance.now();
  const args = ['--site', world.site, 'submit', world.ruleFile, '--loop', '--delay', '300'];
  const loop = spawn(join(findPackageRoot(), 'bin', 'ramenya'), args, {
    cwd: world.directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    loop.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Cycle 1')) resolve();
    });
    loop.on('close', (exitCode) => reject(new Error(`The loop ended with exit code ${exitCode}`)));
  });
  return { loop, firstCycleMs: Math.round(performance.now() - beganMs) };
}

async function main(older: number): Promise<object> {
  const say = (text: string): boolean => process.stderr.write(`${text}\n`);
  const server = await startBenchServer({ isDisposable: false });
  const uuids: string[] = [];
  try {
    say(`filling a private database with ${older} older products`);
    const world = await makeDispatchWorld(server, older);
    const status = openDatabase(world.status, { applicationName: 'bench', max: 4 });
    const catalog = openDatabase(server.roleIn('slurp', 'catalog', 'catalog'), { applicationName: 'bench', max: 2 });
    await putAttempts(status, older);
    await status.execute(sql`vacuum analyze`);
    const { loop, firstCycleMs } = await startLoop(world);
    say(`first cycle, over all runs: ${firstCycleMs} ms`);
    const measured: ChainPhase[] = [];
    try {
      let firstRun = world.firstRun + Math.ceil(older / segmentsPerRun);
      for (const phase of phases) {
        measured.push(await measurePhase({ status, catalog }, firstRun, phase));
        firstRun += runsAtOnce * Math.ceil(phase.products / runsAtOnce / segmentsPerRun);
        say(JSON.stringify(measured.at(-1)));
      }
    } finally {
      loop.removeAllListeners('close');
      const ended = new Promise((resolve) => {
        loop.on('close', resolve);
      });
      loop.kill('SIGTERM');
      await ended;
      const left = await status.query<{ uuid: string }>(
        sql`select uuid::text from ${sql.table(status.role, 'submission')}`,
      );
      uuids.push(...left.map(({ uuid }) => uuid));
      await Promise.all([status.close(), catalog.close()]);
    }
    return { olderProducts: older, firstCycleMs, phases: measured };
  } finally {
    for (const uuid of uuids) await backend.remove({ uuid }, 'measured');
    await server.close();
  }
}

const [older = '1000000'] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await main(Number(older))));
