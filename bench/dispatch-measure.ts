// The part of `bench/dispatch.ts` that runs as the pool's user; prints its figures as JSON.
// `dispatch-measure.ts ROUNDS JOBS…`
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { measureProcess, startBenchServer } from './bench-server.ts';
import { segmentsPerRun } from './calo-chain.ts';
import { dispatchedSchema } from './dispatch-figures.ts';
import { makeDispatchWorld } from './dispatch-world.ts';

import type { Database } from '#db/connect.ts';

import type { ProcessFigures } from './bench-server.ts';
import type { Round } from './dispatch-figures.ts';
import type { DispatchWorld } from './dispatch-world.ts';

const noSubmission = '00000000-0000-0000-0000-000000000000';

const backend = makeHtcondorBackend({
  ...{ commands: {}, maxJobsPerSubmission: 1_000_000, schedds: [], commandTimeoutMs: 600_000 },
});

/** Takes the jobs of submissions out of the queue, and waits until they are. */
async function empty(uuids: readonly string[]): Promise<void> {
  for (const uuid of uuids) {
    const answer = await backend.remove({ uuid }, 'measured');
    if (answer.kind === 'unknown') throw new Error(`The queue can't be emptied: ${answer.reason}`);
  }
  const isEmpty = async (): Promise<true | undefined> => {
    const queue = await backend.queryQueue(uuids);
    return queue.kind === 'answer' && queue.value.length === 0 ? true : undefined;
  };
  if ((await waitUntil(isEmpty, { timeoutMs: 300_000, everyMs: 250 })) === undefined) {
    throw new Error(`Jobs are left in the queue: ${uuids.join(', ')}`);
  }
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return Math.round(performance.now() - began);
}

function kaedama(world: DispatchWorld, firstRun: number, jobs: number, ...more: string[]) {
  const lastRun = firstRun + jobs / segmentsPerRun - 1;
  return measureProcess(
    join(findPackageRoot(), 'bin', 'kaedama'),
    [
      ...['--site', world.site, '--config', world.ruleFile, '--rule', 'DST_CALO', '--batch', '--json'],
      ...['--runs', String(firstRun), String(lastRun), ...more],
    ],
    world.directory,
  );
}

/** `condor_submit` of what kaedama would submit of these products. */
async function measureBareSubmit(
  world: DispatchWorld,
  firstRun: number,
  jobs: number,
): Promise<{ readonly bareSubmit: ProcessFigures; readonly itemBytes: number }> {
  const directory = join(world.directory, 'bare');
  await mkdir(directory);
  const uuid = randomUUID();
  try {
    await kaedama(world, firstRun, jobs, '--dump', directory);
    const description = join(directory, 'submit.job');
    const text = await readFile(description, 'utf8');
    await writeFile(description, text.replaceAll(noSubmission, uuid));
    const { size } = await stat(join(directory, 'submit.in'));
    const { stdout: _stdout, ...bareSubmit } = await measureProcess(
      'condor_submit',
      ['-terse', description],
      directory,
    );
    return { bareSubmit, itemBytes: size };
  } finally {
    await empty([uuid]);
    await rm(directory, { recursive: true });
  }
}

/** The rows of a submission again, in a table with the same indexes. */
async function measureBareRows(status: Database, uuids: readonly string[]) {
  const table = sql.table(status.role, 'production_status');
  await status.execute(sql`create table bare (like ${table} including all)`);
  await status.execute(sql`alter table bare set (fillfactor = 50)`);
  try {
    const columns = await status.query<{ readonly name: string }>(sql`
      select attname as name from pg_attribute
      where attrelid = 'bare'::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`);
    const names = sql.join(columns.map(({ name }) => sql.identifier(name)));
    const bareInsertMs = await timeOf(() =>
      status.execute(sql`
        insert into bare (${names}) select ${names} from ${table} where submission_id = any (${uuids}::uuid[])`),
    );
    const bareUpdateMs = await timeOf(() =>
      status.execute(sql`update bare set status = 'running', cluster = 1, submitted = now() at time zone 'utc'`),
    );
    // Their jobs are gone: the next dispatch is not to look for them.
    await status.execute(sql`
      update ${table} set status = 'finished', ended = now() at time zone 'utc'
      where submission_id = any (${uuids}::uuid[])`);
    return { bareInsertMs, bareUpdateMs };
  } finally {
    await status.execute(sql`drop table bare`);
  }
}

async function measureRound(world: DispatchWorld, status: Database, firstRun: number, jobs: number): Promise<Round> {
  const bare = await measureBareSubmit(world, firstRun, jobs);
  const before = await world.cpuMs();
  const { stdout, ...figures } = await kaedama(world, firstRun, jobs);
  const databaseCpuMs = (await world.cpuMs()) - before;
  const { submitted, submissions, phases } = dispatchedSchema.parse(JSON.parse(stdout));
  if (submitted !== jobs) throw new Error(`${submitted} jobs submitted instead of ${jobs}`);
  const uuids = submissions.map(({ uuid }) => uuid);
  await empty(uuids);
  const rows = await measureBareRows(status, uuids);
  return { ...{ jobs, submissions: uuids.length, phases, kaedama: figures, databaseCpuMs }, ...bare, ...rows };
}

async function main(rounds: number, sizes: readonly number[]): Promise<readonly Round[]> {
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isStopped = true;
    });
  }
  const say = (text: string): boolean => process.stderr.write(`${text}\n`);
  const server = await startBenchServer({ isDisposable: false });
  const measured: Round[] = [];
  try {
    const total = sizes.reduce((sum, jobs) => sum + jobs, 0) * rounds;
    say(`filling a private database with inputs of ${total} products`);
    const world = await makeDispatchWorld(server, total);
    const status = openDatabase(world.status, { applicationName: 'bench', max: 2 });
    try {
      let firstRun = world.firstRun;
      for (let round = 0; round < rounds; round += 1) {
        for (const jobs of sizes) {
          if (isStopped) throw new Error('Stopped');
          const one = await measureRound(world, status, firstRun, jobs);
          measured.push(one);
          firstRun += jobs / segmentsPerRun;
          say(`${jobs} jobs, round ${round + 1}: ${JSON.stringify(one)}`);
        }
      }
    } finally {
      const left = await status.query<{ uuid: string }>(
        sql`select uuid::text from ${sql.table(status.role, 'submission')}`,
      );
      await status.close();
      await empty(left.map(({ uuid }) => uuid));
    }
  } finally {
    await server.close();
  }
  return measured;
}

const [rounds = '1', ...sizes] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await main(Number(rounds), sizes.map(Number))));
