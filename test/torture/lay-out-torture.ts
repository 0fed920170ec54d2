import type { PlaygroundLayout, TortureBatch } from './playground.ts';

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

/** Lays out what is tortured: two rules, and a payload that writes down when it runs. */
export function layOutTorture(
  { batch, mark }: { readonly batch: TortureBatch; readonly mark: string },
  products: number,
): (directory: string, journal: string) => PlaygroundLayout {
  return (directory, journal) => ({
    files: {
      'slurp.yaml': siteOf(batch, mark),
      'torture.yaml': rulesOf(products, directory),
      'payload/run.sh': payloadOf(journal),
      // Not executable, as many are.
      'payload/own.sh': payloadOf(journal),
      'in/f': 'input',
    },
    programs: ['payload/run.sh'],
  });
}
