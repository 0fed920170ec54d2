import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { askSite } from '../util/ask-site.ts';
import { commitAll } from '../util/commit-all.ts';

const mark = randomUUID();
const jobs = 10;

let home: string;

async function call(name: 'kaedama' | 'slurp', ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(join(findPackageRoot(), 'bin', name), args, { cwd: home });
  if (exitCode !== 0) throw new Error(`'${name} ${args.join(' ')}' ended with ${exitCode ?? 'a signal'}: ${stderr}`);
  return stdout;
}

/** Stages its files itself, as scripts of rules with their own executable do; in the wrapper that does no harm. */
const script = (version: string): string => `#!/bin/bash
version=${version}
for item in $(echo $4 | tr , ' '); do cp -v -f $3/$item .; done
echo "$version $(cat macro.C)" > $2/ran-$1
`;

const ruleOf = (name: string, job: string): string => `${name}:
  params:
    name: ${name}_run2pp
    build: new
    build_name: new
    dbtag: 2024p007
    version: 0
    script: run.sh
    payload: ./payload/
    mem: 20MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: status
    lfn2pfn: lfn2lfn
    query: select 'x' as source, runnumber, 0 as segment, 'f' as files from generate_series(1, ${jobs}) as runnumber where true {run_condition}
  filesystem:
    outdir: "${home}/ran/${name}"
    logdir: "${home}/log"
    condor: "${home}/condor"
  job:
${job}    arguments: "$(run) {outdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-edited-')));
  await mkdir(join(home, 'payload'));
  await writeFile(join(home, 'payload/run.sh'), script('A'));
  await writeFile(join(home, 'payload/macro.C'), 'A\n');
  await commitAll(join(home, 'payload'));
  await writeFile(
    join(home, 'slurp.yaml'),
    `batch:
  backend: htcondor
  htcondor:
    commands: { +SlurpTestRun: '"${mark}"', hold: 'true', requirements: 'true', request_memory: '20', request_disk: '1000' }
`,
  );
  const own = '    executable: "{payload}/run.sh"\n    transfer_input_files: "cups.py"\n';
  await writeFile(join(home, 'rules.yaml'), ruleOf('WRAPPED', '') + ruleOf('OWN', own));
  await call('slurp', 'up');
}, 120_000);

afterAll(async () => {
  await runCommand('condor_rm', ['-constraint', `SlurpTestRun == "${mark}"`]);
  await call('slurp', 'down', '--wait', '10s');
  await rm(home, { recursive: true });
}, 120_000);

test(
  'C-P15: jobs that wait while their payload is edited run what was dispatched, in the wrapper and without it',
  { timeout: 300_000 },
  async () => {
    for (const rule of ['WRAPPED', 'OWN']) {
      expect(
        await call('kaedama', '--config', 'rules.yaml', '--rule', rule, '--runs', '1', String(jobs), '--batch'),
      ).toMatch(new RegExp(`^${rule}: ${jobs} jobs dispatched`, 'u'));
    }
    await writeFile(join(home, 'payload/run.sh'), script('B'));
    await writeFile(join(home, 'payload/macro.C'), 'B\n');
    const constraint = `SlurpTestRun == "${mark}"`;
    expect(await runCommand('condor_release', ['-constraint', constraint])).toMatchObject({ exitCode: 0 });
    const ended = `select count(*) from production_status where status = 'finished'`;
    const ask = (text: string) => askSite({ site: home, role: 'status', text });
    const isOver = async () => (await ask(ended))[0]?.[0] === String(2 * jobs) || undefined;
    expect(await waitUntil(isOver, { timeoutMs: 200_000, everyMs: 200 })).toBe(true);

    for (const rule of ['WRAPPED', 'OWN']) {
      const names = await readdir(join(home, 'ran', rule));
      expect(names).toHaveLength(jobs);
      const ran = await Promise.all(names.map((name) => readFile(join(home, 'ran', rule, name), 'utf8')));
      expect(new Set(ran)).toEqual(new Set(['A A\n']));
    }
    const commit = await runCommand('git', ['-C', join(home, 'payload'), 'rev-parse', '--short', 'HEAD']);
    const setups = `select distinct s.hash, s.dirty from production_setup s join production_status p on p.prod_id = s.id`;
    expect(await ask(setups)).toEqual([[commit.stdout.trim(), 'f']]);
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
    const product = `select dstfile from production_status where rule = 'OWN' and run = 1`;
    const [[name = ''] = []] = await ask(product);
    const shown = await call('slurp', 'payload', 'show', name);
    expect(shown.trim().split('\n').slice(-2)).toEqual([
      `file      ${sha256('A\n')} payload/macro.C`,
      `file      ${sha256(script('A'))} payload/run.sh`,
    ]);
  },
);
