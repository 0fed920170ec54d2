// Measures a plan whose inputs are found in a direct path: the whole `kaedama --plan` process, with 200,000 files in
// four directories. `npx tsx bench/direct-path.ts [files] [rounds]`
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { readDirectPath } from '#dispatch/inputs/read-direct-path.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { measureProcess, medianOf, putFigures, startBenchServer } from './bench-server.ts';

const directories = ['tpc', 'intt', 'mvtx', 'gl1'];

const rule = (root: string): string => `
DST_EVENT:
  params: { name: DST_EVENT_run2pp, build: new, build_name: new, dbtag: 2024p007, version: 0, script: run.sh,
            payload: ./payload/, mem: 2048MB, rsync: ./payload/*, outbase: "$(name)", logbase: "$(name)" }
  input:
    db: daqdb
    direct_path: ${root}/*/{mode}/
    query: |-
      select 'daqdb/filelist' as source, runnumber, 0 as segment, string_agg(filename, ' ' order by filename) as files
      from filelist where true {run_condition} group by runnumber order by runnumber
  job:
    arguments: "$(run) $(inputs) {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;

async function main(files: number, rounds: number): Promise<void> {
  const server = await startBenchServer();
  try {
    const root = join(server.directory, 'raw');
    const perDirectory = Math.ceil(files / directories.length);
    for (const directory of directories) {
      await mkdir(join(root, directory, 'physics'), { recursive: true });
      for (let number = 0; number < perDirectory; number += 1) {
        const handle = await open(
          join(root, directory, 'physics', `${directory}-${String(number).padStart(8, '0')}-0000.evt`),
          'w',
        );
        await handle.close();
      }
    }
    const roleOf = (role: (typeof roleNames)[number]): ReturnType<typeof server.roleIn> =>
      server.roleIn('one', role, role);
    await createDatabase(roleOf('status'));
    for (const role of roleNames) await migrate(roleOf(role), join(findPackageRoot(), 'sql'));
    const daq = openDatabase(roleOf('daq'), { applicationName: 'bench', max: 1 });
    await daq.execute(sql`insert into ${sql.table(daq.role, 'filelist')} (filename, runnumber)
      select f || '-' || lpad(n::text, 8, '0') || '-0000.evt', n
      from generate_series(0, ${perDirectory - 1}::int) n cross join unnest(${directories}::text[]) f`);
    await daq.close();
    const site = join(server.directory, 'slurp.yaml');
    const lines = roleNames.map((role) => `  ${role}: { url: '${roleOf(role).url}', schema: ${role} }`);
    await writeFile(site, ['databases:', ...lines, 'gateway: { url: "http://localhost:1" }', ''].join('\n'));
    await writeFile(join(server.directory, 'rule.yaml'), rule(root));
    const plan = (...runs: string[]): ReturnType<typeof measureProcess> =>
      measureProcess(
        join(findPackageRoot(), 'bin', 'kaedama'),
        ['--site', site, '--config', 'rule.yaml', '--rule', 'DST_EVENT', '--plan', '--batch', '--runs', ...runs],
        server.directory,
      );
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now();
      let listed = 0;
      for await (const _file of readDirectPath(`${root}/*/physics/`, '/').files) listed += 1;
      const listingMs = Math.round(performance.now() - began);
      // No candidate is left, so nothing is listed.
      const { wallMs: startUpMs } = await plan('999999999');
      const { stdout: _some, ...oneRun } = await plan('1');
      const { stdout: _all, ...allRuns } = await plan('0', '999999999');
      measured.push({ listed, listingMs, startUpMs, oneRun, allRuns });
    }
    const figures = {
      files: perDirectory * directories.length,
      listingMs: medianOf(measured.map(({ listingMs }) => listingMs)),
      startUpMs: medianOf(measured.map(({ startUpMs }) => startUpMs)),
      oneRunMs: medianOf(measured.map(({ oneRun }) => oneRun.wallMs)),
      allRunsMs: medianOf(measured.map(({ allRuns }) => allRuns.wallMs)),
      measured,
    };
    await putFigures('direct-path', figures);
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    await server.close();
  }
}

const [files = '200000', rounds = '3'] = process.argv.slice(2);
await main(Number(files), Number(rounds));
