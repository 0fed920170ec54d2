import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { runCommand } from '#util/run-command.ts';

import { makeOldDatabase } from '../../adopt/old-database.ts';
import { testDatabase } from '../../db/test-database.ts';
import { builtProgram } from '../../util/built-program.ts';

import type { TestDatabase } from '../../db/test-database.ts';

const timeoutMs = 240_000;
let given: TestDatabase;
let home: string;
const slurp = builtProgram('slurp');
const kaedama = builtProgram('kaedama');

interface Outcome {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, ...args: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd: home });
  const plain = (text: string): string =>
    text
      .replaceAll(home, '')
      .replaceAll(/'\S+\/run\/test_\w+'/g, "'DATABASE'")
      .replaceAll(/\(\d+ MB\)/g, '(N MB)')
      .replaceAll(/0001-attempts, .*/g, '0001-attempts, …');
  return { exitCode, out: plain(stdout), err: plain(stderr) };
}

const rule = `DST_OLD:
  params:
    name: DST_OLD_run2pp
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 1024MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: daqdb
    lfn2pfn: lfn2lfn
    query: |-
      select 'daqdb/filelist' as source, runnumber, 0 as segment, 'raw-' || runnumber as files
      from generate_series(1, 1050) as runnumber
      where true {run_condition}
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;

beforeAll(async () => {
  given = await testDatabase();
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-migrate-command-')));
  const { url } = given.roles.status;
  const schemas = { daq: 'daq', raw: 'raw', catalog: 'catalog', status: 'old' };
  const databases = Object.entries(schemas).map(([role, schema]) => `  ${role}: { url: '${url}', schema: ${schema} }`);
  await writeFile(
    join(home, 'slurp.yaml'),
    // Another machine's gateway: nothing is started here.
    `databases:\n${databases.join('\n')}\ngateway: { url: 'https://gateway.example.org:8447' }\n`,
  );
  await mkdir(join(home, 'payload'));
  await writeFile(join(home, 'payload/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(home, 'rules.yaml'), rule);
  const database = openDatabase(given.roles.status, { applicationName: 'test', max: 1 });
  await makeOldDatabase(
    database,
    { ...given.roles.status, schema: 'old' },
    { held: 'last', invalidRuns: 'as declared' },
  );
  await database.execute(sql`create schema elsewhere`);
  await database.execute(sql`create table elsewhere.production_status (id int, run text)`);
  await database.close();
}, timeoutMs);

afterAll(async () => {
  await given.close();
  await rm(home, { recursive: true });
});

describe('slurp db migrate of an existing production', () => {
  it(
    'reports what it will do, does it, and has nothing to do the second time',
    async () => {
      const plan = await run(slurp, 'db', 'migrate', 'status', '--dry-run');
      expect(plan).toMatchObject({ exitCode: 0, err: '' });
      expect(plan.out).toMatchInlineSnapshot(`
        "status   to be adopted from an older system: 0001-attempts, …

        table                      rows before  rows after  live  retired
        -------------------------  -----------  ----------  ----  -------
        production_setup                     2           2
        production_status                 1202        1202  1002      200
        production_cursor                    1           1
        production_quality                   1           1
        dataset_status                       3           2
        dataset_status_superseded                        1
        cups_stats                           1           1
        invalid_run_list                     2           2

        Added: production_status.last_message, dataset_status.broken, invalid_run_list.reason
        The type 'prodstate' gets all states, in the order used by '<'
        14 columns of limited length become text, without touching rows
        Rewritten once: production_status (N MB), for flags bigint, nevents bigint, logsize bigint, status
        60 attempts are not final and do not belong to a submission of SLURP:
          10 submitting, 10 submitted, 10 started, 10 running, 10 held, 10 evicted
        They stay unchanged and block; their jobs may still report the old way.
        10 of them are 'submitting' without a cluster: probably never submitted.
        To redo those whose jobs are gone: kaedama … -u submitting submitted started running held evicted
        2 entries of invalid_run_list count from now on: the original ignored them
        "
      `);
      const done = await run(slurp, 'db', 'migrate', 'status');
      expect(done).toMatchObject({ exitCode: 0, err: '' });
      expect(done.out.split('\n').slice(1)).toEqual(plan.out.split('\n').slice(1));
      expect(done.out.split('\n')[0]).toBe('status   adopted from an older system: 0001-attempts, …');
      expect((await run(slurp, 'db', 'migrate', 'status')).out).toBe('status   up to date\n');
      expect(JSON.parse((await run(slurp, 'db', 'migrate', 'status', '--json')).out)).toEqual({
        ...{ role: 'status', applied: [], isForeign: false, isDryRun: false },
      });
    },
    timeoutMs,
  );

  it(
    'then kaedama blocks what is under way or done, and finds the rest',
    async () => {
      const plan = ['--config', 'rules.yaml', '--rule', 'DST_OLD', '--plan', '--json'];
      const { exitCode, out } = await run(kaedama, ...plan);
      expect(exitCode).toBe(0);
      // Runs from 40 on: the production's cursor, written with the dotted build, still counts.
      const { funnel } = JSON.parse(out);
      expect([funnel.counts.blocked, funnel.counts.ready]).toEqual([961, 50]);
      expect(funnel.blockedByState).toEqual({
        ...{ submitting: 9, submitted: 9, started: 9, running: 9, held: 9, evicted: 9, failed: 9, finished: 898 },
      });
      const again = await run(kaedama, ...plan, '-u', 'failed', 'held');
      const { counts: unblocked } = JSON.parse(again.out).funnel;
      expect([unblocked.blocked, unblocked.ready]).toEqual([943, 68]);
    },
    timeoutMs,
  );

  it(
    'says why it leaves a database of something else alone',
    async () => {
      const { url } = given.roles.status;
      const role = `{ url: '${url}', schema: elsewhere }`;
      await writeFile(
        join(home, 'other.yaml'),
        `databases: { daq: ${role}, raw: ${role}, catalog: ${role}, status: ${role} }\ngateway: { url: 'https://g:1' }\n`,
      );
      const { exitCode, out, err } = await run(slurp, 'db', 'migrate', 'status', '--site', 'other.yaml');
      expect([exitCode, out]).toEqual([40, '']);
      expect(err).toMatchInlineSnapshot(`
        "slurp: The tables in schema 'elsewhere' of 'DATABASE' cannot be adopted as those of a production
          Table 'production_status' has no column 'dsttype'
          Table 'production_status' has no column 'dstname'
          Table 'production_status' has no column 'dstfile'
          Column 'run' of 'production_status' is 'text': expected an integer
          Table 'production_status' has no column 'segment'
          Table 'production_status' has no column 'nsegments'
          Table 'production_status' has no column 'inputs'
          Table 'production_status' has no column 'prod_id'
          Table 'production_status' has no column 'cluster'
          Table 'production_status' has no column 'process'
          Table 'production_status' has no column 'status'
          Table 'production_setup', to which 'production_status' refers, does not exist
          Name another schema for 'status' in the site file
        "
      `);
    },
    timeoutMs,
  );

  it(
    'changes no role if the tables of another are in the way (C-A7)',
    async () => {
      const { url } = given.roles.status;
      const roles = ['daq', 'raw', 'catalog'].map((role) => `${role}: { url: '${url}', schema: lacking }`);
      await writeFile(
        join(home, 'mixed.yaml'),
        `databases: { ${roles.join(', ')}, status: { url: '${url}', schema: elsewhere } }\ngateway: { url: 'https://g:1' }\n`,
      );
      const database = openDatabase(given.roles.status, { applicationName: 'test', max: 1 });
      try {
        await database.execute(sql`create schema lacking`);
        await database.execute(sql`create table lacking.files (lfn text, full_host_name text, full_file_path text)`);
        const { exitCode, out, err } = await run(slurp, 'db', 'migrate', '--site', 'mixed.yaml');
        expect([exitCode, out]).toEqual([40, '']);
        expect(err).toContain("Table 'production_status' has no column 'dsttype'");
        const tables = sql`select table_name, count(*) as columns from information_schema.columns
          where table_schema = 'lacking' group by 1`;
        expect(await database.query(tables)).toEqual([{ table_name: 'files', columns: 3 }]);
      } finally {
        await database.close();
      }
    },
    timeoutMs,
  );
});
