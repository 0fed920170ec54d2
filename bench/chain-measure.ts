// The part of `bench/chain.ts` that runs as the pool's user; prints its figures as JSON. `chain-measure.ts [OLDER]`
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { startBenchServer } from './bench-server.ts';
import { putAttempts, segmentsPerRun } from './calo-chain.ts';
import { putUpstream, register, runsAtOnce } from './chain-register.ts';
import { makeDispatchWorld } from './dispatch-world.ts';

import type { ChildProcess } from 'node:child_process';

import type { Database } from '#db/connect.ts';

import type { ChainPhase } from './chain-figures.ts';
import type { DispatchWorld } from './dispatch-world.ts';

/** Registrations a second, and how many. */
const phases: readonly { readonly rate: number; readonly products: number }[] = [
  { rate: 1, products: 20 },
  { rate: 100, products: 2000 },
];

const backend = makeHtcondorBackend({
  ...{ commands: {}, maxJobsPerSubmission: 1_000_000, schedds: [], commandTimeoutMs: 600_000 },
});

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

/** Where to measure: the databases, and how much CPU who has used. */
interface Place {
  readonly status: Database;
  readonly catalog: Database;
  readonly findCpu: () => Promise<CpuTimes>;
}

/** CPU used so far, by who used it; ms. */
type CpuTimes = Readonly<Record<'loop' | 'database' | 'gateway', number>>;

async function measurePhase(
  place: Place,
  firstRun: number,
  { rate, products }: { readonly rate: number; readonly products: number },
): Promise<ChainPhase> {
  const { status, findCpu } = place;
  const upstream = await putUpstream(status, firstRun, products);
  const before = await findCpu();
  const registered = await register(place, upstream, rate);
  const done = await waitUntil(
    async () => {
      const found = await findSubmitted(status, firstRun);
      return found.length === products ? found : undefined;
    },
    { timeoutMs: 120_000, everyMs: 250 },
  );
  if (done === undefined) throw new Error(`Not all of ${products} jobs were submitted`);
  const after = await findCpu();
  const times = done
    .flatMap(({ dstfile, submitted }) => {
      const from = registered.get(dstfile);
      return from === undefined ? [] : [{ ...from, at: submitted.getTime() }];
    })
    .sort((one, other) => one.registeredMs - other.registeredMs);
  const chain = times.map(({ at, registeredMs }) => Math.max(0, at - registeredMs));
  const uuids = [...new Set(done.map(({ uuid }) => uuid))];
  const queue = await backend.queryQueue(uuids);
  const perSubmission = (who: keyof CpuTimes): number => Math.round((after[who] - before[who]) / uuids.length);
  return {
    ...{ rate, products, submissions: uuids.length },
    ...{ medianMs: percentileOf(chain, 0.5), p95Ms: percentileOf(chain, 0.95), maxMs: percentileOf(chain, 1) },
    lastQuarterP95Ms: percentileOf(chain.slice(-Math.ceil(chain.length / 4)), 0.95),
    fromReportP95Ms: percentileOf(
      times.map(({ at, reportedMs }) => at - reportedMs),
      0.95,
    ),
    jobsInQueue: queue.kind === 'answer' ? queue.value.length : Number.NaN,
    cpuMs: {
      ...{ loop: perSubmission('loop'), database: perSubmission('database'), gateway: perSubmission('gateway') },
    },
  };
}

function percentileOf(figures: readonly number[], share: number): number {
  return [...figures].sort((one, other) => one - other)[Math.ceil(figures.length * share) - 1] ?? Number.NaN;
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
    const findCpu = async (): Promise<CpuTimes> => {
      const { user, system } = process.cpuUsage();
      return {
        loop: await server.cpuMs(loop.pid),
        database: await server.cpuMs(),
        gateway: Math.round((user + system) / 1000),
      };
    };
    try {
      let firstRun = world.firstRun + Math.ceil(older / segmentsPerRun);
      for (const phase of phases) {
        measured.push(await measurePhase({ status, catalog, findCpu }, firstRun, phase));
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
