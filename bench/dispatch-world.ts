import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

import { caloRule, firstRun, putDatasets, putInputFiles } from './calo-chain.ts';

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

const rule = (directory: string): string => {
  const [above, below] = ['$(runname)/$(runtype)/$(build)_$(tag)_$(version)', '{leafdir}/run_$(rungroup)'];
  return caloRule({
    params: ['neventsper: 1000', 'comment: "---"'],
    filesystem: [
      `outdir: "${directory}/out/${above}/${below}/dst"`,
      `logdir: "file://${directory}/out/${above}/${below}/log"`,
      `histdir: "${directory}/out/${above}/${below}/hist"`,
      `condor: "${directory}/out/condor/${above}/${below}/log"`,
    ],
    job: [
      'arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {neventsper} {logdir} {comment} {histdir} {PWD} {rsync}"',
      'log: "{condor}/{logbase}.condor"',
      'accounting_group: group_sphenix.mdc2',
      'priority: "53"',
    ],
  });
};

async function fill(roleOf: (role: (typeof roleNames)[number]) => Role, products: number): Promise<void> {
  await createDatabase(roleOf('status'));
  for (const role of roleNames) await migrate(roleOf(role), join(findPackageRoot(), 'sql'));
  const catalog = openDatabase(roleOf('catalog'), { applicationName: 'bench', max: 1 });
  await putDatasets(catalog, 'DST_CALOFITTING', products);
  await putInputFiles(catalog);
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
