import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { waitUntil } from '#util/wait-until.ts';

import { putAttempts } from '../../reports/query/query-world.ts';
import { openRamenyaWorld } from './ramenya-world.ts';

import type { RamenyaWorld } from './ramenya-world.ts';

const timeoutMs = 120_000;
let world: RamenyaWorld;

const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

beforeAll(async () => {
  world = await openRamenyaWorld();
  await putAttempts(world.status, [
    { run: 101, status: 'running', cluster: 7, process: 1, submitted: ago(1), started: ago(1) },
    { run: 102, status: 'failed', cluster: 7, process: 2, submitted: ago(240), started: ago(240), ended: ago(239) },
    { run: 103, status: 'submitted', cluster: 7, process: 3, submitted: ago(240) },
  ]);
}, timeoutMs);

afterAll(() => world.close());

describe('ramenya query', () => {
  it(
    'prints the started jobs of the last 7 days, and each report that is named, in its order (C-Q1, C-Q2, C-Q5)',
    async () => {
      const { exitCode, out, err } = await world.ramenya('query');
      expect([exitCode, err]).toEqual([0, '']);
      const lines = out.split('\n');
      expect(lines[0]).toMatch(/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, production site '\/slurp\.yaml'$/u);
      expect(lines[2]).toMatch(/^started: submitted after 20\d\d-\d\d-\d\d/u);
      expect(lines[5]).toMatch(/^DST_TEST_run2pp +1 +0s +0 +1 +0 +0 /u);
      expect(lines.slice(6)).toEqual(['(1 row)', '']);
      const several = JSON.parse((await world.ramenya('query', '--json', '--reports', 'runs', 'pending', 'runs')).out);
      expect(several).toMatchObject({
        mode: 'production',
        reports: [
          { report: 'runs', rows: [{ run: 101, status: 'running' }], leftOut: 0 },
          { report: 'pending', rows: [{ numJobs: 1 }], leftOut: 0 },
        ],
      });
    },
    timeoutMs,
  );

  it.each([
    [['--runs', '102', '--timestart', '2020-01-01'], [102]],
    [
      ['--runs', '101', '102', '--timestart', '2020-01-01 00:00:00'],
      [101, 102],
    ],
    [['--runs', '101', '102', '0'], [101]],
    [['--dstname', 'DST_TEST_run2pp_ana437_2024p007_v001'], [101]],
    [['--dstname', 'DST_TEST_run2p%', '--timestart', '2020-01-01T00:00:00Z'], []],
    [['--timestart', '2999-01-01'], []],
    [['--limit', '1', '--timestart', '2020-01-01'], [101]],
  ])(
    '%j selects what it says (C-Q3)',
    async (options, runs) => {
      const { out } = await world.ramenya('--json', 'query', '--reports', 'runs', ...options);
      expect(JSON.parse(out).reports[0].rows.map(({ run }: { readonly run: number }) => run)).toEqual(runs);
    },
    timeoutMs,
  );

  it(
    'takes -v and --html before the subcommand, as version 2 did, and prints a page',
    async () => {
      const { exitCode, out, err } = await world.ramenya('-v', '--html', 'query', '--reports', 'failed');
      expect(exitCode).toBe(0);
      expect(err).toMatch(/^ramenya: failed: 0 rows in \d\.\d\d s\n$/u);
      expect(out).toMatch(/^<!doctype html>[^]*<\/html>\n$/u);
      expect((await world.ramenya('query', '--html', '--reports', 'failed')).out).toMatch(/^<!doctype html>/u);
    },
    timeoutMs,
  );

  it('prints nothing for the report none', async () => {
    expect(await world.ramenya('query', '--reports', 'none')).toEqual({ exitCode: 0, out: '', err: '' });
  });

  it.each([
    [['--reports', 'startd'], "Option --reports: 'startd' is not a report: did you mean 'started'?"],
    [['--runs', 'x'], "Option --runs: 'x' is not a run: expected a whole number from 0 to 2147483647"],
    [['--runs', 'cursor'], "Option --runs: 'cursor' belongs to a rule; name the runs instead"],
    [['--delay', '-1'], "Option --delay: '-1' is not a whole number: expected 0 or more"],
    [['--limit', 'all'], "Option --limit: 'all' is not a whole number: expected 0 or more"],
    [['--html', '--json'], 'Options --html and --json: use only one of them'],
  ])('refuses %j', async (options, message) => {
    expect(await world.ramenya('query', ...options)).toEqual({
      ...{ exitCode: 2, out: '' },
      err: `ramenya: ${message}\n  'ramenya query --help' lists the options\n`,
    });
  });

  it('refuses what is not a time', async () => {
    expect(await world.ramenya('query', '--timestart', 'yesterday')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("Option --timestart: 'yesterday' is not a time"),
    });
  });

  it(
    'repeats until it is interrupted, and then stops at once',
    async () => {
      const { child, seen } = startLoop('0');
      await waitUntil(() => (seen.out.split('\n').length > 3 ? true : undefined), { timeoutMs });
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([130, null]);
      expect(seen.err).toBe('ramenya: Interrupted\n');
    },
    timeoutMs,
  );

  it(
    'reports in a loop that the database is away, and continues when it is back',
    async () => {
      const { child, seen } = startLoop('1');
      await waitUntil(() => (seen.out === '' ? undefined : true), { timeoutMs });
      const reopen = await closeDatabase();
      await waitUntil(() => (seen.err.includes('\n') ? true : undefined), { timeoutMs });
      await reopen();
      const before = seen.out;
      await waitUntil(() => (seen.out === before ? undefined : true), { timeoutMs });
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([143, null]);
      expect(seen.err).toMatch(/^ramenya: (?:Cannot reach d|D)atabase 'status' at .*; trying again in 1 s\n/u);
    },
    timeoutMs,
  );
});

function startLoop(delay: string) {
  const seen = { out: '', err: '' };
  const child = spawn(process.execPath, [world.program, 'query', '--json', '--loop', '--delay', delay], {
    cwd: world.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (seen.err += text));
  return { child, seen };
}

/** Lets nobody connect to the database. @returns lets them again */
async function closeDatabase(): Promise<() => Promise<void>> {
  const { role } = world.status;
  const name = new URL(role.url).pathname.slice(1);
  const server = openDatabase(
    { ...role, url: role.url.replace(`/${name}`, '/postgres') },
    { applicationName: 'test', max: 1 },
  );
  const allow = (isAllowed: boolean) =>
    server.execute(sql`alter database ${sql.identifier(name)} allow_connections ${sql.verbatim(String(isAllowed))}`);
  await allow(false);
  await server.query(sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`);
  return async () => {
    await allow(true);
    await server.close();
  };
}
