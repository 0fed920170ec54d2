import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { CommandResult } from '#util/run-command.ts';

/** What torture runs on. */
export type TortureBatch = 'local' | 'htcondor';

/** A site that is tortured: a directory of its own, two rules, one payload that writes down when it runs. */
export interface Playground {
  readonly directory: string;
  readonly batch: TortureBatch;
  /** The pool is used by no other test: its schedd may be killed and stopped. */
  readonly hasOwnSchedd: boolean;
  /** Marks our jobs in a pool that others use too. */
  readonly mark: string;
  /** Each job appends `begin|end DSTFILE CUPSID START` here. */
  readonly journal: string;
  /** The program and arguments that run one of our commands on the site, as the user who owns it. */
  readonly argv: (name: 'kaedama' | 'slurp', args: readonly string[]) => readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  call(name: 'kaedama' | 'slurp', args: readonly string[]): Promise<CommandResult>;
  log(line: string): Promise<void>;
}

const runAs = join(findPackageRoot(), 'test/pool/run-as.sh');

/** The rules, each for a half of the products: one in the wrapper, one with an executable of its own. */
export const ruleNames = ['WRAPPED', 'OWN'] as const;

function rulesOf(products: number, root: string): string {
  const half = Math.ceil(products / 2);
  const own = `executable: "{payload}/own.sh"\n    arguments: "$(nevents) {logbase}"`;
  return [
    ruleOf('WRAPPED', [1, half], 'arguments: "$(nevents) {logbase} {PWD} {rsync}"', root),
    ruleOf('OWN', [half + 1, products], own, root),
  ].join('\n');
}

function ruleOf(
  name: (typeof ruleNames)[number],
  [first, last]: readonly [number, number],
  commands: string,
  root: string,
): string {
  return `${name}:
  params:
    name: DST_${name}_run2pp
    build: ana.501
    build_name: ana501
    dbtag: 2025p001
    version: 1
    script: run.sh
    payload: ${root}/payload/
    mem: 20MB
    rsync: "${root}/payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: status
    direct_path: ${root}/in/
    query: select 'x' as source, n as runnumber, 0 as segment, 'f' as files from generate_series(${first}, ${last}) n order by 2
  filesystem:
    outdir: "${root}/out"
    logdir: "${root}/log"
    histdir: "${root}/hist"
    condor: "${root}/condor"
  job:
    ${commands}
    log: "{condor}/{logbase}.condor"
`;
}

/** The job says what it does in a file of its own, past SLURP: `end` counts as the work done. */
function payloadOf(journal: string): string {
  return `#!/bin/bash
product=$2
echo "begin $product $cupsid \${SLURP_START:-0}" >> '${journal}'
sleep 0.$((cupsid % 10))
echo "end $product $cupsid \${SLURP_START:-0}" >> '${journal}'
`;
}

function siteOf(batch: TortureBatch, mark: string): string {
  return `batch:
  backend: ${batch}
  local:
    slots: 4
  htcondor:
    command_timeout: 6s
    commands:
      +SlurpTorture: '"${mark}"'
      requirements: 'true'
      request_memory: '20'
      request_disk: '1000'
`;
}

/** Lays out a {@link Playground} below `/tmp`; started by root, it belongs to the user of the pool. */
export async function openPlayground(
  chosen: Pick<Playground, 'batch' | 'hasOwnSchedd' | 'mark'>,
  products: number,
): Promise<Playground> {
  const { batch, mark } = chosen;
  const directory = await mkdtemp('/tmp/slurp-torture-');
  const journal = join(directory, 'journal');
  const files: Readonly<Record<string, string>> = {
    'slurp.yaml': siteOf(batch, mark),
    'torture.yaml': rulesOf(products, directory),
    'payload/run.sh': payloadOf(journal),
    // Not executable, as many are.
    'payload/own.sh': payloadOf(journal),
    'in/f': 'input',
    journal: '',
    'faults.log': '',
  };
  for (const name of ['payload', 'in']) await mkdir(join(directory, name));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  await chmod(join(directory, 'payload/run.sh'), 0o755);
  const isRoot = process.getuid?.() === 0;
  const isOther = isRoot && batch === 'htcondor';
  if (isOther) {
    const owner = Number((await must(runAs, ['id', '-u'])).trim());
    for (const name of ['.', 'payload', 'in', ...Object.keys(files)]) await chown(join(directory, name), owner, owner);
  }
  const identity = ['-c', 'user.name=torture', '-c', 'user.email=torture@localhost', '-c', 'commit.gpgsign=false'];
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
    ['commit', '--quiet', '--message', 'The payload'],
  ]) {
    const git = ['git', '-C', join(directory, 'payload'), ...identity, ...args];
    await (isOther ? must(runAs, git) : must('git', git.slice(1)));
  }
  const { cupsid: _, SLURP_SITE: __, ...environment } = process.env;
  const env = { ...environment, SLURP_SITE: directory };
  const argv: Playground['argv'] = (name, args) => {
    const program = join(findPackageRoot(), 'bin', name);
    return isOther ? [runAs, program, ...args] : [program, ...args];
  };
  return {
    ...{ ...chosen, directory, journal, argv, environment: env },
    call: (name, args) => {
      const [file, ...rest] = argv(name, args);
      return runCommand(file, rest, { cwd: directory, env });
    },
    log: (line) => appendFile(join(directory, 'faults.log'), `${new Date().toISOString()} ${line}\n`),
  };
}

/** Lines of the jobs' own journal, by their first word and product. */
export async function readJournalCounts(playground: Playground, word: 'begin' | 'end'): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readFile(playground.journal, 'utf8')).split('\n')) {
    const [first, product] = line.split(' ');
    if (first === word && product !== undefined) counts.set(product, (counts.get(product) ?? 0) + 1);
  }
  return counts;
}

async function must(file: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(file, args);
  if (exitCode === 0) return stdout;
  throw new SiteError(`'${file} ${args.join(' ')}' failed: ${stderr.trim()}`, { code: 'site-torture' });
}
