import { expect, test } from 'vitest';

import { makeJobFinisher } from '#batch/htcondor/submit/finish-job.ts';
import { renderDescription } from '#batch/htcondor/submit/render.ts';

import type { BatchJob, BatchSubmission } from '#batch/backend.ts';

const submission: BatchSubmission = {
  uuid: '8c5d3c3e-0000-4000-8000-123456789abc',
  batchName: 'DST_CALO_run2pp_ana437_2024p007_v001',
  count: 2,
  directory: '/site/submissions/8c5d',
  workerDirectory: '/slurp/dist/worker',
  submitDirectory: '/home/sphnxpro/prod',
  isSupervised: true,
  spoolDirectory: '/site/spool',
  environment: { CUPS_PRODUCTION_MODE: 'true' },
};
const ownFiles = [
  '/site/submissions/8c5d/slurp-token',
  '/site/submissions/8c5d/slurp-job.json',
  '/slurp/dist/worker/cups',
];

/** A job as rules make it: every default, and every attribute. */
const job: BatchJob = {
  process: 0,
  cupsid: 4711,
  dstfile: 'DST_CALO_run2pp_ana437_2024p007_v001-00053534-00012',
  executable: '/slurp/dist/worker/wrapper.sh',
  arguments: 'run.sh 0 it\'s "x" $(ClusterId) $(ProcId) $HOME $ENV(HOME) 4711',
  commands: {
    universe: 'vanilla',
    log: '/condor/a-00012.condor',
    periodichold: '(NumJobStarts>=1 && JobStatus == 1)',
    priority: '1958',
    job_lease_duration: '3600',
    requirements: '(CPU_Type == "mdc2")',
    request_cpus: '1',
    request_memory: '4096MB',
    should_transfer_files: 'YES',
    output_destination: 'file:///data/log/run_53500',
    when_to_transfer_output: 'ON_EXIT',
    transfer_output_files: '""',
    transferout: 'false',
    transfererr: 'false',
    output: 'file:///data/log/run_53500/a-00012.out',
    error: 'file:///data/log/run_53500/a-00012.err',
    '+sPHENIX_PRODUCTION': '"DST_CALO_run2pp_ana437_2024p007_v001"',
    '+sPHENIX_RUNNUMBER': '53534',
    '+sPHENIX_SLURP_CUPSID': '4711',
    '+sPHENIX_SLURP_UNBLOCK': String.raw`"fai\\led \"x\""`,
  },
};

function finish(changes: Readonly<Record<string, string>> = {}, site: Readonly<Record<string, string>> = {}) {
  const finisher = makeJobFinisher({ submission, site: { commands: site }, ownFiles });
  return { ...finisher, commands: finisher.finish({ ...job, commands: { ...job.commands, ...changes } }) };
}

test('renders a submission with every default of a rule', () => {
  const variables = ['slurp_cupsid', 'slurp_a'];
  const commands = new Map([...finish().commands, ['log', '/condor/a-$(slurp_a).condor'], ['max_idle', '7']]);
  const text = renderDescription({
    ...{ uuid: submission.uuid, count: 2, commands, variables, itemsFile: '/site/condor.items' },
    factory: { maxMaterialize: 5000, maxIdle: 100 },
  });
  expect(text).toMatchInlineSnapshot(`
    "# Submission 8c5d3c3e-0000-4000-8000-123456789abc, 2 jobs; written by SLURP
    slurp_words = a b
    slurp_blank = $SUBSTR(slurp_words,1,1)
    slurp_comma = ,
    executable = /slurp/dist/worker/wrapper.sh
    arguments = run.sh 0 it's \\"x\\" $(ClusterId) $(ProcId) $(DOLLAR)HOME $(DOLLAR)ENV(HOME) 4711
    initialdir = /home/sphnxpro/prod
    transfer_input_files = /site/submissions/8c5d/slurp-token,/site/submissions/8c5d/slurp-job.json,/slurp/dist/worker/cups
    output = /data/log/run_53500/a-00012.out
    error = /data/log/run_53500/a-00012.err
    transfer_output_files = ""
    environment = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:. CUPS_PRODUCTION_MODE=true SLURP_START=$$([NumJobStarts]) cupsid=$(slurp_cupsid) SLURP_STDOUT=$$([Out]) SLURP_STDERR=$$([Err])"
    universe = vanilla
    should_transfer_files = YES
    when_to_transfer_output = ON_EXIT
    log = /condor/a-$(slurp_a).condor
    periodic_hold = (NumJobStarts>=1 && JobStatus == 1)
    priority = 1958
    job_lease_duration = 3600
    requirements = (CPU_Type == "mdc2")
    request_cpus = 1
    request_memory = 4096MB
    +sPHENIX_PRODUCTION = "DST_CALO_run2pp_ana437_2024p007_v001"
    +sPHENIX_RUNNUMBER = 53534
    +sPHENIX_SLURP_CUPSID = $(slurp_cupsid)
    +sPHENIX_SLURP_UNBLOCK = "fai\\led \\"x\\""
    +PreCmd = "/bin/sh"
    +PreArguments = "-c 'name() { [ -e \\"$1\\" ] && command -p stat -c %i/%s/%.Y \\"$1\\" 2>/dev/null || echo none; }; keep() { case $1 in \\"\\" | /dev/null) return ;; esac; for file in \\"$1\\" \\"./\${1##*/}\\"; do now=\`name \\"$file\\"\`; if [ -f \\"$file\\" ] && [ \\"$now\\" != \\"$3\\" ]; then command -p cat \\"$file\\" >>\\"$2\\"; return; fi; done; }; if [ -e .slurp-logs ]; then { read -r out; read -r err; } <.slurp-logs; keep \\"$SLURP_STDOUT\\" \\"$1\\" \\"$out\\"; [ \\"$SLURP_STDERR\\" = \\"$SLURP_STDOUT\\" ] || keep \\"$SLURP_STDERR\\" \\"$2\\" \\"$err\\"; else { name \\"$SLURP_STDOUT\\"; name \\"$SLURP_STDERR\\"; } >.slurp-logs; fi; exit 0' sh _condor_stdout _condor_stderr"
    +PreEnvironment = Environment
    +PostCmd = "/bin/sh"
    +PostArguments = "-c 'for spool in ./spool-*.jsonl; do { [ -s \\"$spool\\" ] && read -r ours <\\"$spool\\"; } || continue; base=\${spool%-*}; base=\${base#./}; start=\${spool##*-}; start=\${start%.jsonl}; while target=$3/$base-$start.jsonl; { [ -s \\"$target\\" ] && read -r theirs <\\"$target\\"; } && [ \\"$ours\\" != \\"$theirs\\" ]; do start=\`command -p expr \\"$start\\" + 1000000\`; done; size=\`command -p stat -c %s \\"$spool\\"\`; known=\`command -p stat -c %s \\"$target\\" 2>/dev/null\`; [ \\"\${known:-0}\\" -ge \\"$size\\" ] || { command -p cp \\"$spool\\" \\"$target.post\\" && command -p mv \\"$target.post\\" \\"$target\\"; }; done; name() { [ -e \\"$1\\" ] && command -p stat -c %i/%s/%.Y \\"$1\\" 2>/dev/null || echo none; }; keep() { case $1 in \\"\\" | /dev/null) return ;; esac; for file in \\"$1\\" \\"./\${1##*/}\\"; do now=\`name \\"$file\\"\`; if [ -f \\"$file\\" ] && [ \\"$now\\" != \\"$3\\" ]; then command -p cat \\"$file\\" >>\\"$2\\"; return; fi; done; }; if [ -e .slurp-logs ]; then { read -r out; read -r err; } <.slurp-logs; keep \\"$SLURP_STDOUT\\" \\"$1\\" \\"$out\\"; [ \\"$SLURP_STDERR\\" = \\"$SLURP_STDOUT\\" ] || keep \\"$SLURP_STDERR\\" \\"$2\\" \\"$err\\"; else { name \\"$SLURP_STDOUT\\"; name \\"$SLURP_STDERR\\"; } >.slurp-logs; fi; exit 0' sh _condor_stdout _condor_stderr '/site/spool'"
    +PostEnvironment = Environment
    batch_name = DST_CALO_run2pp_ana437_2024p007_v001
    +SlurpSubmission = "8c5d3c3e-0000-4000-8000-123456789abc"
    +SlurpCupsid = $(slurp_cupsid)
    max_materialize = 5000
    max_idle = 100
    queue slurp_cupsid,slurp_a from /site/condor.items
    "
  `);
});

test('sends files to where the rule wants its outputs, without the command that makes jobs loop (C-H3)', () => {
  const { commands } = finish({
    output: 'a.condor.stdout',
    error: '/elsewhere/a.err',
    transfer_output_files: 'a.out, sub/a.err,own.root',
    transfer_output_remaps: '"own.root=/dst/own.root"',
  });
  const places = [
    'output',
    'error',
    'transfer_output',
    'transfer_error',
    'output_destination',
    'transfer_output_files',
  ];
  expect([...places, 'transfer_output_remaps'].map((key) => `${key} = ${commands.get(key) ?? '-'}`).join('\n'))
    .toMatchInlineSnapshot(`
    "output = /data/log/run_53500/a.condor.stdout
    error = /elsewhere/a.err
    transfer_output = -
    transfer_error = -
    output_destination = -
    transfer_output_files = a.out,sub/a.err,own.root
    transfer_output_remaps = "own.root=/dst/own.root;a.out=/data/log/run_53500/a.out;a.err=/data/log/run_53500/a.err""
  `);
});

test('passes a job the paths of its output, and runs what keeps its logs before and after it (C-H8)', () => {
  const said = ['environment', '+PreCmd', '+PostCmd'];
  const rendered = (changes: Readonly<Record<string, string>>): string =>
    said.map((key) => `${key} = ${(finish(changes).commands.get(key) ?? '-').replace(/^.*start=/iu, '… ')}`).join('\n');
  expect(rendered({})).toMatchInlineSnapshot(`
    "environment = … $$([NumJobStarts]) cupsid=$(slurp_cupsid) SLURP_STDOUT=$$([Out]) SLURP_STDERR=$$([Err])"
    +PreCmd = "/bin/sh"
    +PostCmd = "/bin/sh""
  `);
  expect(rendered({ output: '/dev/null', error: '/a b/x.err' })).toMatchInlineSnapshot(`
    "environment = … $$([NumJobStarts]) cupsid=$(slurp_cupsid)"
    +PreCmd = -
    +PostCmd = "/bin/sh""
  `);
  expect(rendered({ '+PostCmd': '"/own"' })).toMatchInlineSnapshot(`
    "environment = … $$([NumJobStarts]) cupsid=$(slurp_cupsid)"
    +PreCmd = -
    +PostCmd = "/bin/sh""
  `);
});

test('gives a job what its product needs, whatever the rule and the site say, and keeps larger requests (C-Q30)', () => {
  const needs = { memoryMb: 3000, diskMb: 2000, avoidedNodes: ['bad', 'worse.farm'] };
  const commandsOf = (changes: Record<string, string>, site: Record<string, string>) => {
    const finisher = makeJobFinisher({ submission, site: { commands: site }, ownFiles: [] });
    const commands = finisher.finish({ ...job, commands: { ...job.commands, ...changes }, needs });
    return ['requirements', 'request_memory', 'request_disk'].map((key) => commands.get(key));
  };
  const others =
    '(TARGET.UtsnameNodename =!= "bad" && split(TARGET.Machine, ".")[0] =!= "bad") && ' +
    '(TARGET.UtsnameNodename =!= "worse.farm" && TARGET.Machine =!= "worse.farm")';
  expect(commandsOf({ request_memory: '2 GB', request_disk: '1GB' }, { requirements: 'A || B' })).toEqual([
    `(A || B) && ${others}`,
    '3000MB',
    '2000MB',
  ]);
  expect(commandsOf({ requirements: 'C', request_memory: '1024MB' }, { request_memory: '4096' })).toEqual([
    `(C) && ${others}`,
    '4096',
    '2000MB',
  ]);
});

test('replaces commands of SLURP by its own, transfers no database secrets, and finds the rest from the submit directory (C-H4)', () => {
  const { commands, notes, inputFiles } = finish({
    transfer_input_files: './payload/,cups.py,bachi.py,init.sh,odbc.ini,/a/b.json,https://x/y',
    user_job_wrapper: 'init.sh',
  });
  // Ours last: an old 'cups.py' in the directory does not count.
  expect(commands.get('transfer_input_files')?.split(',')).toEqual([
    '/home/sphnxpro/prod/payload/',
    '/a/b.json',
    'https://x/y',
    ...ownFiles,
  ]);
  expect([...inputFiles]).toEqual(['/home/sphnxpro/prod/payload/', '/a/b.json']);
  expect([...notes].join('\n')).toMatchInlineSnapshot(`
    "'odbc.ini' is not sent to jobs: they have no access to databases or their passwords
    'user_job_wrapper' is left out: HTCondor has no such submit command"
  `);
});

test('lets the site win over the rule, and proper spellings over attributes (C-H2)', () => {
  const { commands } = finish(
    { periodic_hold: 'false', environment: `"A='x y' PATH=/opt/bin"`, prio: '1', accounting_group: 'rule', '+X': '1' },
    {
      accounting_group: 'site',
      Requirements: 'true',
      '+x': '"$(Cluster)"',
      environment: '"B=1"',
      container_image: 'x.sif',
    },
  );
  const keys = [
    'periodic_hold',
    'priority',
    'accounting_group',
    'requirements',
    'container_image',
    '+x',
    'environment',
  ];
  expect(keys.map((key) => `${key} = ${commands.get(key) ?? '-'}`).join('\n')).toMatchInlineSnapshot(`
    "periodic_hold = false
    priority = 1958
    accounting_group = site
    requirements = true
    container_image = x.sif
    +x = "$(DOLLAR)(Cluster)"
    environment = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:. CUPS_PRODUCTION_MODE=true B=1 SLURP_START=$$([NumJobStarts]) cupsid=$(slurp_cupsid) SLURP_STDOUT=$$([Out]) SLURP_STDERR=$$([Err])""
  `);
});

test('refuses what would leave a job without a directory of its own, and line breaks', () => {
  expect(() => finish({ should_transfer_files: 'NO' })).toThrowErrorMatchingInlineSnapshot(
    `[Error: 'should_transfer_files' is 'NO': expected YES, otherwise a job has no directory of its own and no token]`,
  );
  expect(() => finish({ rank: 'a\nqueue 1000' })).toThrowErrorMatchingInlineSnapshot(
    `[Error: The submit command 'rank' of 'DST_CALO_run2pp_ana437_2024p007_v001-00053534-00012' contains a line break: 'a queue 1000': remove it in the query]`,
  );
});

test('lists the directories of outputs and logs, so that they can be created', () => {
  expect([...finish().directories]).toEqual(['/data/log/run_53500', '/condor']);
  const changes = {
    output_destination: 'file://./output/',
    output: 'a.out',
    error: '/b/a.err',
    log: 'a/$(ClusterId)/l',
  };
  expect([...finish({ ...changes, transfer_output_files: 'x.root' }).directories].toSorted()).toEqual([
    '/b',
    '/home/sphnxpro/prod/output',
  ]);
  const elsewhere = { output_destination: 'https://x.org/', output: 'a', error: 'b', log: 'l' };
  expect([...finish(elsewhere).directories]).toEqual(['/home/sphnxpro/prod']);
});
