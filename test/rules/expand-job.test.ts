import { describe, expect, it } from 'vitest';

import { expandJob, toDirectoryPath } from '#rules/expand-job.ts';
import { prepareRule } from '#rules/prepare-rule.ts';

import { prepared, readRule, someOptions, someRow } from './rule-files.ts';

describe('expanded job', () => {
  it('of a rule for the wrapper: script first, cupsid last, everything in the same positions (C-R10)', async () => {
    const rule = await prepared('aggregate', undefined, { nevents: 50 });
    expect(expandJob(rule, someRow(rule), { cupsid: 17 })).toMatchInlineSnapshot(`
      {
        "arguments": "build.sh 50 DST_EVENTS_run9pp_ana501_2026p001_v002 DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007 22026 7 /nowhere/out/ana501_2026p001_v002/run_00022000_00022100 ana.501 2026p001 dbinput dbranges 1000 file:///nowhere/log/physics/DST_EVENTS/run_00022000_00022100 --- /nowhere/hist/run_00022000_00022100 /nowhere/operator ./payloads/events/*,cups.py 17",
        "commands": {
          "+sPHENIX_DATASET": ""ana501_2026p001_v002"",
          "+sPHENIX_DSTTYPE": ""DST_EVENTS_run9pp"",
          "+sPHENIX_PRODUCTION": ""DST_EVENTS_run9pp_ana501_2026p001_v002"",
          "+sPHENIX_RUNNUMBER": "22026",
          "+sPHENIX_SEGMENT": "7",
          "+sPHENIX_SLURP_CUPSID": "17",
          "accounting_group": "group_sphenix.mdc2",
          "accounting_group_user": "sphnxpro",
          "error": "/nowhere/log/physics/DST_EVENTS/run_00022000_00022100/DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007.err",
          "job_lease_duration": "3600",
          "log": "/nowhere/condor/run9pp/run_00022000_00022100/DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007.condor",
          "output": "/nowhere/log/physics/DST_EVENTS/run_00022000_00022100/DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007.out",
          "output_destination": "file:///nowhere/log/physics/DST_EVENTS/run_00022000_00022100",
          "periodichold": "(NumJobStarts > NumJobCompletions && JobStatus == 1)",
          "priority": "4000",
          "request_cpus": "1",
          "request_memory": "2048MB",
          "requirements": "(CPU_Type == "mdc2")",
          "should_transfer_files": "YES",
          "transfer_output_files": """",
          "transfererr": "false",
          "transferout": "false",
          "universe": "vanilla",
          "when_to_transfer_output": "ON_EXIT",
        },
        "directories": [
          "/nowhere/out/ana501_2026p001_v002/run_00022000_00022100",
          "/nowhere/log/physics/DST_EVENTS/run_00022000_00022100",
          "/nowhere/condor/run9pp/run_00022000_00022100",
          "/nowhere/hist/run_00022000_00022100",
        ],
        "executable": {
          "kind": "wrapper",
        },
      }
    `);
  });

  it('of a rule that says dbinput: false: the lists stand in the arguments, for scripts older than getinputs', async () => {
    const rule = await readRule('aggregate');
    for (const word of ['False', 'false']) {
      const preparation = prepareRule({ ...rule, params: { ...rule.params, dbinput: word } }, someOptions);
      if (preparation.kind !== 'prepared') throw new Error('refused');
      const { arguments: words } = expandJob(preparation.prepared, someRow(preparation.prepared), { cupsid: 17 });
      expect(words).toContain(
        ' /nowhere/physics/a-00022026-0000.evt,/nowhere/physics/b-00022026-0000.evt a:0:99,b:0:99 ',
      );
    }
  });

  it('of a rule for the default layout, with all defaults (C-R12)', async () => {
    const rule = await prepared('downstream', undefined, { mem: '8192MB' });
    expect(expandJob(rule, someRow(rule), { cupsid: 17 })).toMatchInlineSnapshot(`
      {
        "arguments": "calor.sh 0 DST_CALOR_run9pp_ana501_2026p001_v002 DST_CALOR_run9pp_ana501_2026p001_v002-00022026-00007 22026 7 /sphenix/lustre01/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/dst ana.501 2026p001 dbinput dbranges file:///sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log /nowhere/operator ./payloads/calor/* 17",
        "commands": {
          "+sPHENIX_DATASET": ""ana501_2026p001_v002"",
          "+sPHENIX_DSTTYPE": ""DST_CALOR_run9pp"",
          "+sPHENIX_PRODUCTION": ""DST_CALOR_run9pp_ana501_2026p001_v002"",
          "+sPHENIX_RUNNUMBER": "22026",
          "+sPHENIX_SEGMENT": "7",
          "+sPHENIX_SLURP_CUPSID": "17",
          "error": "/sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log/DST_CALOR_run9pp_ana501_2026p001_v002-00022026-00007.err",
          "job_lease_duration": "3600",
          "log": "/tmp/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log/DST_CALOR_run9pp_ana501_2026p001-00022026-00007.condor",
          "output": "/sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log/DST_CALOR_run9pp_ana501_2026p001_v002-00022026-00007.out",
          "output_destination": "file://./output/",
          "periodichold": "(NumJobStarts > NumJobCompletions && JobStatus == 1)",
          "priority": "1958",
          "request_cpus": "1",
          "request_memory": "8192MB",
          "requirements": "(CPU_Type == "mdc2")",
          "should_transfer_files": "YES",
          "transfer_output_files": """",
          "transfererr": "false",
          "transferout": "false",
          "universe": "vanilla",
          "when_to_transfer_output": "ON_EXIT",
        },
        "directories": [
          "/sphenix/lustre01/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/dst",
          "/sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log",
          "/tmp/production/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log",
        ],
        "executable": {
          "kind": "wrapper",
        },
      }
    `);
  });

  it('of an old rule, with a program of its own and directories by condor arithmetic (C-R8, C-R10)', async () => {
    const rule = await prepared('old-spellings');
    expect(expandJob(rule, someRow(rule), { cupsid: 17 })).toMatchInlineSnapshot(`
      {
        "arguments": "0 DST_EVENTS_auau9_new_2023p008 DST_EVENTS_auau9_new_2023p008-0000022026-00007 /nowhere/out/22000 22026 7 $(ClusterId) $(ProcId) new 2023p008 dbinput dbranges meh 17",
        "commands": {
          "+sPHENIX_DATASET": ""new_2023p008"",
          "+sPHENIX_DSTTYPE": ""DST_EVENTS_auau9"",
          "+sPHENIX_PRODUCTION": ""DST_EVENTS_auau9_new_2023p008"",
          "+sPHENIX_RUNNUMBER": "22026",
          "+sPHENIX_SEGMENT": "7",
          "+sPHENIX_SLURP_CUPSID": "17",
          "job_lease_duration": "3600",
          "log": "/nowhere/condor/22000/DST_EVENTS_auau9_new_2023p008-0000022026-00007.condor",
          "output": "DST_EVENTS_auau9_new_2023p008-0000022026-00007.condor.stdout",
          "output_destination": "file:///nowhere/log/22000",
          "periodichold": "(NumJobStarts > NumJobCompletions && JobStatus == 1)",
          "priority": "3800",
          "request_cpus": "1",
          "request_memory": "16384M",
          "request_xferslots": "0",
          "requirements": "(CPU_Type == "mdc2")",
          "should_transfer_files": "YES",
          "transfer_input_files": "/opt/payloads/events/,cups.py,init.sh,pull.py,odbc.ini",
          "transfer_output_files": "DST_EVENTS_auau9_new_2023p008-0000022026-00007.out,DST_EVENTS_auau9_new_2023p008-0000022026-00007.err",
          "transfererr": "false",
          "transferout": "false",
          "universe": "vanilla",
          "user_job_wrapper": "init.sh",
          "when_to_transfer_output": "ON_EXIT",
        },
        "directories": [
          "/nowhere/out/22000",
          "/nowhere/log/22000",
          "/nowhere/condor/22000",
        ],
        "executable": {
          "kind": "own",
          "path": "/opt/payloads/events/run.sh",
        },
      }
    `);
  });

  it('puts the logs where the rule was dispatched, not where outputs go, if logdir is relative (C-R19)', async () => {
    const rule = await readRule('aggregate');
    const filesystem = { ...rule.filesystem, logdir: 'log/run_$(run)' };
    const preparation = prepareRule({ ...rule, filesystem }, someOptions);
    if (preparation.kind !== 'prepared') throw new Error('refused');
    const { commands } = expandJob(preparation.prepared, someRow(preparation.prepared), { cupsid: 17 });
    expect(commands['output']).toBe(
      '/nowhere/operator/log/run_22026/DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007.out',
    );
  });

  it('uses columns of the query that do not have the name of a macro of SLURP (C-R13)', async () => {
    const rule = await prepared('segmented');
    const row = someRow(rule, { extra: { firstevent: '0', lastevent: '99999', runs_last_event: '123456' } });
    expect(expandJob(rule, row, { cupsid: 17 }).arguments).toMatchInlineSnapshot(
      `"0 DST_TRIGGERED_run9pp_ana501_2026p001 DST_TRIGGERED_run9pp_ana501_2026p001-00022026-00007 22026 7 /nowhere/out/run_00022000_00022100 ana501 2026p001 dbinput dbranges /nowhere/operator payloads/trigger/*,cups.py,bachi.py,odbc.ini 0 99999 123456 17"`,
    );
    expect(rule.columns.map(({ name }) => name)).toEqual(['firstevent', 'lastevent', 'runs_last_event']);
  });

  it('matches a column with capitals to a macro in any case, as HTCondor does (C-R25)', async () => {
    const rule = await prepared('segmented');
    const extra = { FirstEvent: '0', lastevent: '99999', runs_last_event: '123456' };
    expect(expandJob(rule, someRow(rule, { extra }), { cupsid: 17 }).arguments).toMatch(/ 0 99999 123456 17$/u);
  });

  it('names files of a range of runs by columns of the query (C-R13)', async () => {
    const rule = await prepared('calibration');
    const row = someRow(rule, { extra: { lastrun: '42103', iteration: '2' } });
    const job = expandJob(rule, row, { cupsid: 17 });
    expect([job.arguments, job.commands['log'], job.commands['transfer_output_files']]).toMatchInlineSnapshot(`
      [
        "0 22026 42103 7 2 HIST_CALIB_run9pp_new_2026p001-00022026-00042103-0007-02 HIST_CALIB_run9pp_new_2026p001 /nowhere/calib/run_00022000_00022100 new 2026p001 dbinput file:///nowhere/calib/log 17",
        "/nowhere/calib//HIST_CALIB_run9pp_new_2026p001-00022026-00007.condor",
        "",
      ]
    `);
    expect(() => expandJob(rule, someRow(rule, { extra: { lastrun: 'x', iteration: '2' } }), { cupsid: 1 })).toThrow(
      "'$INT(lastrun,%08d)' needs a number, but the value is 'x'",
    );
  });

  it('puts the stream of the row in (C-R6)', async () => {
    const rule = await prepared('streams', 'MANY_STREAMS');
    const row = someRow(rule, { streamname: 'INTT0', extra: { streamfile: 'intt0' } });
    const { arguments: words, commands, directories } = expandJob(rule, row, { cupsid: 17 });
    expect(words).toMatchInlineSnapshot(
      `"stream.sh 0 DST_STREAMING_EVENT_INTT0_run9auau_new_nocdbtag_v000 DST_STREAMING_EVENT_INTT0_run9auau_new_nocdbtag_v000-00022026-00007 22026 7 /sphenix/lustre01/sphnxpro/production/run9auau/physics/new_nocdbtag_v000/DST_STREAMING_EVENT_INTT0/run_00022000_00022100/dst new nocdbtag dbinput dbranges INTT0 intt0 /nowhere/operator payloads/streaming/* 17"`,
    );
    expect(directories).toMatchInlineSnapshot(`
      [
        "/sphenix/lustre01/sphnxpro/production/run9auau/physics/new_nocdbtag_v000/DST_STREAMING_EVENT_INTT0/run_00022000_00022100/dst",
        "/tmp/production/run9auau/physics/new_nocdbtag_v000/DST_STREAMING_EVENT_INTT0/run_00022000_00022100/log",
      ]
    `);
    expect(Object.entries(commands).filter(([key]) => key.startsWith('+'))).toMatchInlineSnapshot(`
      [
        [
          "+sPHENIX_PRODUCTION",
          ""DST_STREAMING_EVENT_INTT0_run9auau_new_nocdbtag_v000"",
        ],
        [
          "+sPHENIX_DSTTYPE",
          ""DST_STREAMING_EVENT_INTT0_run9auau"",
        ],
        [
          "+sPHENIX_DATASET",
          ""new_nocdbtag_v000"",
        ],
        [
          "+sPHENIX_RUNNUMBER",
          "22026",
        ],
        [
          "+sPHENIX_SEGMENT",
          "7",
        ],
        [
          "+sPHENIX_SLURP_CUPSID",
          "17",
        ],
      ]
    `);
  });

  it('leaves no field behind, wherever it came in (C-R7)', async () => {
    const rule = await prepared('leftovers');
    expect(rule.rsync).toBe('payloads/left/*,{unknown},cups.py');
    expect(expandJob(rule, someRow(rule), { cupsid: 17 })).toMatchInlineSnapshot(`
      {
        "arguments": "left.sh /nowhere/extra/DST_LEFT/physics /nowhere/extra/DST_LEFT/physics 1 ana.501 a{{b}}{1,2} /sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/calib /nowhere/operator payloads/left/*,{unknown},cups.py 17",
        "commands": {
          "+sPHENIX_DATASET": ""ana501_2026p001_v001"",
          "+sPHENIX_DSTTYPE": ""DST_LEFT_run9pp"",
          "+sPHENIX_PRODUCTION": ""DST_LEFT_run9pp_ana501_2026p001_v001"",
          "+sPHENIX_RUNNUMBER": "22026",
          "+sPHENIX_SEGMENT": "7",
          "+sPHENIX_SLURP_CUPSID": "17",
          "error": "file:///sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log/DST_LEFT_run9pp.err",
          "job_lease_duration": "3600",
          "log": "/tmp/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log/DST_LEFT_run9pp_ana501_2026p001_v001-00022026-00007.condor",
          "output": "file:///sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log/DST_LEFT_run9pp_ana501_2026p001_v001-00022026-00007.out",
          "output_destination": "file:///sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log",
          "periodichold": "(NumJobStarts > NumJobCompletions && JobStatus == 1)",
          "priority": "1958",
          "request_cpus": "1",
          "request_memory": "4096MB",
          "requirements": "(CPU_Type == "mdc2")",
          "should_transfer_files": "YES",
          "transfer_output_files": """",
          "transfererr": "false",
          "transferout": "false",
          "universe": "vanilla",
          "when_to_transfer_output": "ON_EXIT",
        },
        "directories": [
          "/sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log",
          "/tmp/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/log",
          "/sphenix/data/data02/sphnxpro/production/run9pp/physics/ana501_2026p001_v001/DST_LEFT/run_00022000_00022100/calib",
        ],
        "executable": {
          "kind": "wrapper",
        },
      }
    `);
  });

  it('finds one run type for macros and directories (C-R14)', async () => {
    const rule = await prepared('aggregate');
    const logdir = (inputs: string): string | undefined =>
      expandJob(rule, someRow(rule, { inputs }), { cupsid: 1 }).directories[1];
    expect(logdir('/d/physics/a')).toBe('/nowhere/log/physics/DST_EVENTS/run_00022000_00022100');
    expect(logdir('/d/beam/physics/a /d/cosmics/b')).toBe('/nowhere/log/cosmics/DST_EVENTS/run_00022000_00022100');
    expect(logdir('/d/physics/a /d/calib/b /d/beam/c')).toBe('/nowhere/log/calib/DST_EVENTS/run_00022000_00022100');
    expect(logdir('/d/else/a')).toBe('/nowhere/log/none/DST_EVENTS/run_00022000_00022100');
  });

  it('lists the inputs in the arguments where they do not travel through the gateway', async () => {
    const rule = await prepared('segmented', undefined, { isDbinput: false });
    const row = someRow(rule, { extra: { firstevent: '0', lastevent: '1', runs_last_event: '2' } });
    expect(expandJob(rule, row, { cupsid: 17 }).arguments).toContain(
      ' /nowhere/physics/a-00022026-0000.evt,/nowhere/physics/b-00022026-0000.evt a:0:99,b:0:99 ',
    );
  });

  it('renames directories in a testbed, or as requested (C-R12, C-K12)', async () => {
    const testbed = await prepared('downstream', undefined, { isTestbed: true });
    expect(expandJob(testbed, someRow(testbed), { cupsid: 1 }).directories).toMatchInlineSnapshot(`
      [
        "/sphenix/lustre01/sphnxpro/production-testbed/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/dst",
        "/sphenix/data/data02/sphnxpro/production-testbed/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log",
        "/tmp/production-testbed/run9pp/physics/ana501_2026p001_v002/DST_CALOR/run_00022000_00022100/log",
      ]
    `);
    const mangled = await prepared('downstream', undefined, { mangleDirpath: 'mine' });
    expect(expandJob(mangled, someRow(mangled), { cupsid: 1 }).directories[0]).toContain('/sphnxpro/mine/run9pp/');
  });

  it('marks jobs that were resubmitted or unblocked, quoted (C-R15)', async () => {
    const rule = await prepared('union', undefined, { isResubmit: true, unblock: ['failed', 'held'] });
    const { commands } = expandJob(rule, someRow(rule, { dstname: 'a"b\\c\nd' }), { cupsid: 17 });
    expect(Object.entries(commands).filter(([key]) => key.startsWith('+'))).toMatchInlineSnapshot(`
      [
        [
          "+sPHENIX_PRODUCTION",
          ""a\\"b\\\\c\\nd"",
        ],
        [
          "+sPHENIX_DSTTYPE",
          ""DST_STREAMING_cosmics"",
        ],
        [
          "+sPHENIX_DATASET",
          ""new_nocdbtag_v000"",
        ],
        [
          "+sPHENIX_RUNNUMBER",
          "22026",
        ],
        [
          "+sPHENIX_SEGMENT",
          "7",
        ],
        [
          "+sPHENIX_SLURP_CUPSID",
          "17",
        ],
        [
          "+sPHENIX_SLURP_RESUBMIT",
          ""True"",
        ],
        [
          "+sPHENIX_SLURP_RESUBMIT_TIMESTAMP",
          ""2026-05-01 12:30:00+00:00"",
        ],
        [
          "+sPHENIX_SLURP_UNBLOCK",
          ""failed,held"",
        ],
        [
          "+sPHENIX_SLURP_UNBLOCK_TIMESTAMP",
          ""2026-05-01 12:30:00+00:00"",
        ],
      ]
    `);
  });

  it('keeps names, directories and macros of rules without version alike (C-N4)', async () => {
    const rule = await prepared('join');
    const job = expandJob(rule, someRow(rule), { cupsid: 17 });
    expect([job.arguments, job.commands['log'], job.commands['+sPHENIX_DATASET']]).toMatchInlineSnapshot(`
      [
        "merge.sh 0 DST_MERGED_run9pp_new_2026p001 DST_MERGED_run9pp_new_2026p001-00022026-0007 22026 7 /sphenix/lustre01/sphnxpro/production/run9pp/physics/new_2026p001/DST_MERGED/run_00022000_00022100/dst new 2026p001 dbinput dbranges /nowhere/operator payloads/merge/* 17",
        "/tmp/production/run9pp/physics/new_2026p001/DST_MERGED/run_00022000_00022100/log/DST_MERGED_run9pp_new_2026p001-00022026-00007.condor",
        ""new_2026p001"",
      ]
    `);
  });
});

it.each([
  ['file:///a/b', '/a/b'],
  ['file://./log', '/submit/log'],
  ['log//x', '/submit/log/x'],
])("takes the directory '%s' as HTCondor does: '%s'", (text, expected) => {
  expect(toDirectoryPath(text, '/submit')).toBe(expected);
});
