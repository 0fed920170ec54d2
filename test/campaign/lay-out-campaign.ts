import type { PlaygroundLayout, TortureBatch } from '../torture/playground.ts';

/** The rules of a campaign, in the order of their chain. */
export const campaignRules = ['FITTING', 'CALO', 'HIST'] as const;

/** How large a campaign is. */
export interface CampaignSize {
  readonly runs: number;
  /** Of each run; jobs in all: `runs * (2 * segments + 1)`. */
  readonly segments: number;
}

/** The machine on which jobs fail; scripts/trial.sh adds it to the pool. */
const badNode = 'bad';

/** The dsttype of a rule. */
export const dsttypeOf = (rule: (typeof campaignRules)[number]): string => `DST_${rule}_run2pp`;

const dataset = 'ana501_2025p001_v001';

const queryOf = (size: CampaignSize): Readonly<Record<(typeof campaignRules)[number], string>> => ({
  FITTING: `select 'x' as source, run as runnumber, segment, 'f' as files
      from generate_series(1, ${size.runs}) run, generate_series(0, ${size.segments - 1}) segment order by 2, 3`,
  CALO: `select 'datasets' as source, runnumber, segment, filename as files from datasets
      where dsttype = '${dsttypeOf('FITTING')}' and dataset = '${dataset}' {run_condition} order by runnumber, segment`,
  HIST: `select 'datasets' as source, runnumber, 0 as segment, string_agg(filename, ' ' order by filename) as files
      from datasets where dsttype = '${dsttypeOf('CALO')}' and dataset = '${dataset}' {run_condition}
      group by runnumber having count(*) = ${size.segments} order by runnumber`,
});

function ruleOf(rule: (typeof campaignRules)[number], size: CampaignSize, root: string): string {
  const isFirst = rule === 'FITTING';
  return `${rule}:
  params:
    name: ${dsttypeOf(rule)}
    build: ana.501
    build_name: ana501
    dbtag: 2025p001
    version: 1
    script: unused.sh
    payload: ${root}/payload/
    mem: 100MB
    disk: 1MB
    rsync: "${root}/payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: ${isFirst ? 'status' : 'fc'}
${isFirst ? `    direct_path: ${root}/in/\n` : ''}    query: |-
      ${queryOf(size)[rule]}
  filesystem:
    outdir: "${root}/out"
    logdir: "${root}/log"
    histdir: "${root}/hist"
    condor: "${root}/condor"
  job:
    executable: "{payload}/job.sh"
    arguments: "{logbase} {outbase} $(run) $(seg) $(outdir) $(name)"
    on_exit_hold: "ExitCode == 77"
    log: "{condor}/{logbase}.condor"
`;
}

/**
 * The program of all rules. What becomes of a product follows from its name alone: of 100, 5 fail, 2 are held, 1 is
 * killed, 1 waits to be removed, 2 need more memory than their rule requests, each in its first attempt; 1 fails in all of
 * them. On the machine {@link badNode} every job fails at once.
 */
function programOf(batch: TortureBatch, journal: string): string {
  // Only a real batch system has jobs that a person can remove, and holds those that use too much memory.
  const wait = batch === 'local' ? 'exit 1' : `echo "waits $product $cupsid 0" >> '${journal}'; sleep 600`;
  const memory =
    batch === 'local'
      ? 'if [ $attempt = 1 ]; then exit 34; fi'
      : '{ head -c 200000000 /dev/zero; sleep 30; } | tail -c 200000000 > /dev/null';
  return `#!/bin/bash
product=$1 outbase=$2 run=$3 segment=$4 outdir=$5 dsttype=$6
if [ "$(uname -n)" = ${badNode} ]; then echo "bad $product $cupsid 0" >> '${journal}'; exit 5; fi
attempt=$(( $(grep -c "^begin $product " '${journal}') + 1 ))
echo "begin $product $cupsid \${SLURP_START:-0}" >> '${journal}'
fate=$(( $(printf %s "$product" | cksum | cut -d ' ' -f 1) % 100 ))
report="./cups.py -r $run -s $segment -d $outbase"
$report running
case $fate in
  9|10) ${memory} ;;
  11) exit 2 ;;
esac
if [ $attempt = 1 ]; then
  case $fate in
    0|1|2|3|4) exit 1 ;;
    5|6) exit 77 ;;
    7) kill -9 $$ ;;
    8) ${wait} ;;
  esac
fi
printf 'events of %s\\n' "$product" > "$product.root"
$report stageout "$product.root" "$outdir" --dsttype "$dsttype" --dataset ${dataset} --nevents 10 --inc --prodtype many || exit 30
echo "end $product $cupsid \${SLURP_START:-0}" >> '${journal}'
$report finished -e 0
`;
}

function siteOf(batch: TortureBatch, mark: string): string {
  return `batch:
  backend: ${batch}
  local:
    slots: 4
  htcondor:
    command_timeout: 20s
    commands:
      +SlurpTorture: '"${mark}"'
      requirements: 'true'
# Of two machines one may be avoided.
nodes: { failures: 3, at_most: 0.5 }
retry:
  mode: active
  attempts: 3
  cases:
    - { when: { exit_code: 2 }, do: give-up }
    - { when: { exit_code: 34 }, do: more-memory, up_to: 1GB }
    - { when: { hold_code: [26, 34] }, do: more-memory, up_to: 1GB }
    - { when: { exit_code: 5 }, do: avoid-node }
    - { do: retry }
`;
}

/** Lays out a campaign: three rules in a chain, with a program of their own. */
export function layOutCampaign(
  { batch, mark }: { readonly batch: TortureBatch; readonly mark: string },
  size: CampaignSize,
): (directory: string, journal: string) => PlaygroundLayout {
  return (directory, journal) => ({
    files: {
      'slurp.yaml': siteOf(batch, mark),
      'campaign.yaml': campaignRules.map((rule) => ruleOf(rule, size, directory)).join('\n'),
      // Not executable, as many are.
      'payload/job.sh': programOf(batch, journal),
      'in/f': 'input',
    },
    programs: [],
  });
}
