// Measures a decision over 1,000,000 candidates: the whole `kaedama --plan` process, in one database and with every
// role in its own, beside two statements: the bare anti-join, and the same decision written by hand.
// `npx tsx bench/decide.ts [candidates] [rounds]`
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { bareAntiJoin, bareDecision, timeOf } from './bare-decision.ts';
import { measureProcess, medianOf, putFigures, startBenchServer } from './bench-server.ts';
import { caloRule, firstRun, putAttempts, putDatasets, putInputFiles, segmentsPerRun } from './calo-chain.ts';

import type { Statement } from '#db/connect.ts';
import type { Role, RoleName } from '#model/site.ts';

import type { BenchServer, ProcessFigures } from './bench-server.ts';

type Roles = Readonly<Record<RoleName, Role>>;

const newEvery = 1000;

const rule = caloRule({
  job: [
    'arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"',
    'log: "{condor}/{logbase}.condor"',
  ],
});

async function makeSite(server: BenchServer, name: string, roles: Roles): Promise<string> {
  const file = join(server.directory, `${name}.yaml`);
  const lines = roleNames.map((role) => `  ${role}: { url: '${roles[role].url}', schema: ${roles[role].schema} }`);
  // A gateway elsewhere: nothing is started for the plan but the plan.
  const site = ['databases:', ...lines, 'gateway: { url: "http://localhost:1" }', `state: ${file}.state`];
  await writeFile(file, `${site.join('\n')}\n`);
  return file;
}

async function fill(roles: Roles, candidates: number): Promise<void> {
  for (const role of roleNames) {
    const { url } = roles[role];
    if (roleNames.every((other) => other >= role || roles[other].url !== url)) await createDatabase(roles[role]);
  }
  for (const role of roleNames) await migrate(roles[role], join(findPackageRoot(), 'sql'));
  const options = { applicationName: 'bench', max: 1 };
  const [catalog, status] = [openDatabase(roles.catalog, options), openDatabase(roles.status, options)];
  for (const type of ['DST_CALOFITTING', 'DST_CALO'] as const) await putDatasets(catalog, type, candidates);
  await putInputFiles(catalog);
  await putAttempts(status, candidates);
  for (const database of [catalog, status]) {
    await database.execute(sql`vacuum analyze`);
    await database.close();
  }
}

/** Takes every thousandth product away: 1,000 of a million are new. */
async function makeSomeNew(roles: Roles): Promise<void> {
  const options = { applicationName: 'bench', max: 1 };
  const [catalog, status] = [openDatabase(roles.catalog, options), openDatabase(roles.status, options)];
  const chosen = (run: string): Statement =>
    sql`((${sql.identifier(run)} - ${firstRun}::int) * ${segmentsPerRun}::int + segment) % ${newEvery}::int = 0`;
  await status.execute(sql`delete from ${sql.table(roles.status, 'production_status')} where ${chosen('run')}`);
  await catalog.execute(sql`delete from ${sql.table(roles.catalog, 'datasets')}
    where dsttype = 'DST_CALO_run2pp' and ${chosen('runnumber')}`);
  for (const database of [catalog, status]) await database.close();
}

interface Round {
  readonly antiJoinMs: number;
  readonly bareDecisionMs: number;
  readonly one: ProcessFigures;
  readonly own: ProcessFigures;
  readonly startUpMs: number;
}

function readyIn(stdout: string): number {
  return Number(/= +([\d,]+) {2}ready/.exec(stdout)?.[1]?.replaceAll(',', ''));
}

async function measureRound(
  server: BenchServer,
  sites: { one: string; own: string },
  roles: Roles,
  ready: number,
): Promise<Round> {
  const kaedama = async (site: string, ...more: string[]): Promise<ProcessFigures & { readonly stdout: string }> =>
    measureProcess(
      join(findPackageRoot(), 'bin', 'kaedama'),
      ['--site', site, '--config', 'rule.yaml', '--rule', 'DST_CALO', '--plan', '--batch', ...more],
      server.directory,
    );
  const counted = async (site: string): Promise<ProcessFigures> => {
    const { stdout, ...figures } = await kaedama(site, '--runs', '0', '999999');
    if (readyIn(stdout) !== ready) throw new Error(`Expected ${ready} ready jobs: ${stdout.slice(0, 2000)}`);
    return figures;
  };
  const status = openDatabase(roles.status, { applicationName: 'bench', max: 1 });
  try {
    await status.query(sql`select set_config('work_mem', '128MB', false)`);
    return {
      antiJoinMs: await timeOf(() => status.query(sql.verbatim(bareAntiJoin))),
      bareDecisionMs: await timeOf(() => status.query(sql.verbatim(bareDecision))),
      one: await counted(sites.one),
      own: await counted(sites.own),
      startUpMs: (await kaedama(sites.one, '--runs', '1')).wallMs,
    };
  } finally {
    await status.close();
  }
}

function summarize(rounds: readonly Round[]): object {
  const median = (pick: (round: Round) => number): number => medianOf(rounds.map(pick));
  const bareDecisionMs = median((round) => round.bareDecisionMs);
  const startUpMs = median((round) => round.startUpMs);
  const [oneMs, ownMs] = [median((round) => round.one.wallMs), median((round) => round.own.wallMs)];
  const ratio = (wallMs: number): number => Number(((wallMs - startUpMs) / bareDecisionMs).toFixed(2));
  return {
    antiJoinMs: median((round) => round.antiJoinMs),
    bareDecisionMs,
    startUpMs,
    oneDatabase: {
      wallMs: oneMs,
      peakMb: Math.max(...rounds.map(({ one }) => one.peakMb)),
      toBareDecision: ratio(oneMs),
    },
    ownDatabases: {
      wallMs: ownMs,
      peakMb: Math.max(...rounds.map(({ own }) => own.peakMb)),
      toBareDecision: ratio(ownMs),
    },
    rounds,
  };
}

async function main(candidates: number, rounds: number): Promise<void> {
  const server = await startBenchServer();
  try {
    const say = (text: string): boolean => process.stderr.write(`${text}\n`);
    const recordOf = (make: (role: RoleName) => Role): Roles => ({
      ...{ daq: make('daq'), raw: make('raw'), catalog: make('catalog'), status: make('status') },
    });
    const one = recordOf((role) => server.roleIn('one', role, role));
    const own = recordOf((role) => server.roleIn(`own_${role}`, role, 'public'));
    await writeFile(join(server.directory, 'rule.yaml'), rule);
    const sites = { one: await makeSite(server, 'one', one), own: await makeSite(server, 'own', own) };
    for (const [name, roles] of [
      ['one database', one],
      ['a database for every role', own],
    ] as const) {
      say(`filling ${name} with ${candidates} candidates, took ${await timeOf(() => fill(roles, candidates))} ms`);
    }
    const measure = async (ready: number): Promise<object> => {
      const measured: Round[] = [];
      for (let round = 0; round < rounds; round += 1) {
        measured.push(await measureRound(server, sites, one, ready));
        say(`${ready} new, round ${round + 1}: ${JSON.stringify(measured.at(-1))}`);
      }
      return summarize(measured);
    };
    const steady = await measure(0);
    for (const roles of [one, own]) await makeSomeNew(roles);
    const someNew = await measure(Math.ceil(candidates / newEvery));
    const figures = { candidates, steady, someNew };
    await putFigures('decide', figures);
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    await server.close();
  }
}

const [candidates = '1000000', rounds = '3'] = process.argv.slice(2);
await main(Number(candidates), Number(rounds));
