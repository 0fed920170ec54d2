import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { roleNames } from '#model/site.ts';
import { packageRoot } from '#util/package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { Role } from '#model/site.ts';

import type { BenchServer } from './bench-server.ts';

/** A site with nothing produced yet, and inputs for all that is to be. */
export interface DispatchWorld {
  readonly directory: string;
  readonly site: string;
  readonly ruleFile: string;
  readonly status: Role;
  readonly firstRun: number;
  /** CPU of the database so far. */
  cpuMs(): Promise<number>;
}

/** Products of one run. */
export const segmentsPerRun = 100;

const firstRun = 40_000;

const rule = (directory: string): string => `
DST_CALO:
  params:
    name: DST_CALO_run2pp
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 2048MB
    neventsper: 1000
    comment: "---"
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: filecatalog
    query: |-
      select 'filecatalog/datasets' as source, runnumber, segment, filename as files,
             filename || ':0:' || events as fileranges, firstevent, lastevent
      from datasets
      where filename like 'DST_CALOFITTING_run2pp_ana437_2024p007_v001%'
      {run_condition}
      order by runnumber, segment
      {limit_condition}
  filesystem:
    outdir: "${directory}/out/$(runname)/$(runtype)/$(build)_$(tag)_$(version)/{leafdir}/run_$(rungroup)/dst"
    logdir: "file://${directory}/out/$(runname)/$(runtype)/$(build)_$(tag)_$(version)/{leafdir}/run_$(rungroup)/log"
    histdir: "${directory}/out/$(runname)/$(runtype)/$(build)_$(tag)_$(version)/{leafdir}/run_$(rungroup)/hist"
    condor: "${directory}/out/condor/$(runname)/$(runtype)/$(build)_$(tag)_$(version)/{leafdir}/run_$(rungroup)/log"
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {neventsper} {logdir} {comment} {histdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
    accounting_group: group_sphenix.mdc2
    priority: "53"
`;

async function fill(roleOf: (role: (typeof roleNames)[number]) => Role, products: number): Promise<void> {
  await createDatabase(roleOf('status'));
  for (const role of roleNames) await migrate(roleOf(role), join(packageRoot(), 'sql'));
  const catalog = openDatabase(roleOf('catalog'), { applicationName: 'bench', max: 1 });
  await catalog.execute(sql`insert into ${sql.table(catalog.role, 'datasets')}
      (filename, runnumber, segment, size, dataset, dsttype, events, firstevent, lastevent)
    select 'DST_CALOFITTING_run2pp_ana437_2024p007_v001-' || lpad(run::text, 8, '0') || '-' || lpad(segment::text, 5, '0')
        || '.root', run, segment, 123456789, 'ana437_2024p007_v001', 'DST_CALOFITTING_run2pp', 1000, segment * 1000,
        segment * 1000 + 999
    from (
      select n / ${segmentsPerRun}::int + ${firstRun}::int as run, n % ${segmentsPerRun}::int as segment
      from generate_series(0, ${products - 1}::int) n
    ) s`);
  await catalog.execute(sql`insert into ${sql.table(catalog.role, 'files')}
      (lfn, full_host_name, full_file_path, time, size, md5)
    select filename, 'lustre', '/lustre/production/run2pp/physics/ana437_2024p007_v001/DST_CALOFITTING/run_'
        || lpad((runnumber / 100 * 100)::text, 8, '0') || '/dst/' || filename, now(), size, md5(filename)
    from ${sql.table(catalog.role, 'datasets')}`);
  await catalog.execute(sql`vacuum analyze`);
  await catalog.close();
}

/** A payload has to lie in a git checkout, and to be published. */
async function makePayload(directory: string): Promise<void> {
  await mkdir(join(directory, 'payload'));
  await writeFile(join(directory, 'payload', 'run.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const git = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-C', directory];
  for (const args of [
    ['init', '--quiet', '--initial-branch', 'main'],
    ['add', 'payload'],
    ['commit', '--quiet', '-m', 'a payload'],
    ['clone', '--quiet', '--bare', '.', 'origin.git'],
    ['remote', 'add', 'origin', join(directory, 'origin.git')],
    ['fetch', '--quiet', 'origin', 'main:refs/remotes/origin/main'],
  ]) {
    const { exitCode, stderr } = await runCommand('git', [...git, ...args]);
    if (exitCode !== 0) throw new Error(`'git ${args.join(' ')}': ${stderr}`);
  }
}

/** Makes a {@link DispatchWorld} on a server. */
export async function makeDispatchWorld(server: BenchServer, products: number): Promise<DispatchWorld> {
  const directory = join(server.directory, 'site');
  await mkdir(directory);
  const roleOf = (role: (typeof roleNames)[number]): Role => server.roleIn('slurp', role, role);
  await fill(roleOf, products);
  await makePayload(directory);
  const [site, ruleFile] = [join(directory, 'slurp.yaml'), join(directory, 'rule.yaml')];
  await writeFile(ruleFile, rule(directory));
  const lines = [
    'databases:',
    ...roleNames.map((role) => `  ${role}: { url: '${roleOf(role).url}', schema: ${role} }`),
    // A gateway elsewhere: nothing is started for the dispatch but the dispatch.
    'gateway: { url: "http://localhost:1" }',
    'batch:',
    '  backend: htcondor',
    '  htcondor:',
    '    command_timeout: 600s',
    '    commands: { requirements: "(TARGET.SlurpBenchNeverThere =?= true)" }',
    '    max_idle: 2000',
  ];
  await writeFile(site, `${lines.join('\n')}\n`);
  return { directory, site, ruleFile, status: roleOf('status'), firstRun, cpuMs: () => server.cpuMs() };
}
