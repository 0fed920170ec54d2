import { describe, expect, it } from 'vitest';

import { expandJob } from '#rules/expand-job.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { renderComplaints, someOptions } from '../rule-files.ts';

import type { Complaint } from '#model/complaint.ts';

function complaintsOf(section: 'params' | 'job', line: string, isPlain = true): readonly string[] {
  const extra = (name: string): string => (name === section ? `, ${line}` : '');
  const text = `R:
  params: {name: DST_X_run9pp, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p${extra('params')}}
  input: {db: fc, query: 'select 1 {run_condition}'}
  job: {arguments: '$(run) {PWD} {rsync}'${isPlain ? '' : ", request_disk: '$(disk)'"}${extra('job')}}
`;
  const { rules, complaints } = parseRuleFile(text, '/r.yaml');
  const all: Complaint[] = [...complaints, ...rules.flatMap((rule) => prepareRule(rule, someOptions).complaints)];
  return renderComplaints(all).map((complaint) => complaint.replace(/^r\.yaml:\d+:\d+: /, ''));
}

describe('values of params', () => {
  it.each([
    ...['mem: 4096MB', 'mem: 4096M', 'mem: 2048', 'mem: 100 MB', 'mem: 1.5GB', 'mem: 2t', "mem: '{memory}'"],
    ...["mem: 'ifThenElse(1>0,10,20)'", 'disk: 10GB', 'neventsper: 100_000', 'nevents: 0', "neventsper: '{x}'"],
    ...['dump: true', 'dump: yes', 'dump: "False"', 'dump:', 'dbinput: false'],
  ])('nothing is said of %s', (line) => expect(complaintsOf('params', line)).toEqual([]));

  it.each([
    ['mem: lots', "error: R: 'lots' is not a memory size: expected a number with a unit, e.g. 4096MB or 1.5G"],
    ['mem: 4096MiB', "error: R: '4096MiB' is not a memory size: expected a number with a unit, e.g. 4096MB or 1.5G"],
    ['disk: xx', "warning: R: 'xx' is not a disk size: expected a number with a unit, e.g. 4096MB or 1.5G"],
    ['neventsper: abc', "warning: R: 'abc' is not a number of events: expected a whole number"],
    ['nevents: 1e5', "warning: R: '1e5' is not a number of events: expected a whole number"],
    ['dump: maybe', "error: R: params.dump is 'maybe': expected true or false"],
    ['dbinput: maybe', "warning: R: params.dbinput is 'maybe', which is read as true: expected true or false"],
  ])('of %s it is said what would do', (line, complaint) => {
    expect(complaintsOf('params', line)).toEqual([complaint]);
  });

  it('a memory size that the job does not use is a warning (C-R25)', () => {
    const { rules } = parseRuleFile(
      `R:
  params: {name: DST_X_run9pp, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p, mem: lots}
  input: {db: fc, query: 'select 1 {run_condition}'}
  job: {arguments: '$(run) {PWD} {rsync}', request_memory: 2GB}
`,
      '/r.yaml',
    );
    const complaints = rules.flatMap((rule) => prepareRule(rule, someOptions).complaints);
    expect(complaints).toMatchObject([{ severity: 'warning', message: "'lots' is not a memory size" }]);
  });

  it('a disk size that the job uses is an error', () => {
    expect(complaintsOf('params', 'disk: xx', false)).toEqual([
      expect.stringContaining("error: R: 'xx' is not a disk size"),
    ]);
  });
});

describe('values of a job', () => {
  it.each([
    ...["request_memory: '1.5GB'", "request_memory: '2000 MB'", "request_memory: 'MemoryUsage * 2'"],
    ...["request_memory: '$(mem)'", "request_memory: '$(memory)MB'", "request_cpus: '2'", "priority: '3800'"],
    ...["priority: '1+2'", "request_xferslots: '0'", 'universe: vanilla', "universe: '5'", 'notification: Never'],
    ...["notification: '$(notify)'", "concurrency_limits: '$(limits)'", "kill_sig: '$(signal)'", "kill_sig: 'sigint'"],
    ...["success_exit_code: '1 + 2'", "concurrency_limits: 'a$(Cluster)'"],
    ...["should_transfer_files: 'YES'", "transferout: 'false'", "hold: 'true'", "'+Mine': '\"a text\"'"],
    ...['requirements: \'(CPU_Type == "mdc2")\'', "max_retries: ''", "periodichold: 'a =?= 1'"],
  ])('nothing is said of %s', (line) => {
    const others = complaintsOf('job', line).filter((complaint) => !complaint.includes("'$(memory)' is not defined"));
    expect(others).toEqual([]);
  });

  it.each([
    [
      "request_memory: '4096MiB'",
      "error: R: '4096MiB' is not a valid value of 'request_memory': expected a number with a unit, ",
    ],
    ["request_memory: 'lots'", "warning: R: No machine offers 'lots' as request_memory: expected a number with a unit"],
    [
      "request_cpus: '1 2'",
      "error: R: '1 2' is not a valid value of 'request_cpus': expected a number, or an expression",
    ],
    ["request_cpus: 'abc'", "warning: R: No machine offers 'abc' as request_cpus: expected a number, or an expression"],
    ["priority: 'abc'", "error: R: 'abc' is not a valid value of 'priority': expected a whole number"],
    [
      "success_exit_code: 'ifThenElse(true, 3, 4)'",
      "warning: R: 'ifThenElse(true, 3, 4)' as success_exit_code counts as 0: expected a whole number",
    ],
    ["max_retries: '3 x'", "error: R: '3 x' is not a valid value of 'max_retries': expected a whole number"],
    [
      "job_lease_duration: '1h'",
      "error: R: '1h' is not a valid value of 'job_lease_duration': expected a number, or an",
    ],
    ["universe: 'vanila'", "error: R: 'vanila' is not a valid value of 'universe': expected one of vanilla, container"],
    [
      "should_transfer_files: 'maybe'",
      "error: R: 'maybe' is not a valid value of 'should_transfer_files': expected one of YES",
    ],
    [
      "should_transfer_files: 'NO'",
      "warning: R: With should_transfer_files 'NO' a job has no directory of its own, and is not",
    ],
    ["transferout: 'no'", "warning: R: 'no' is not a valid value of 'transferout': expected true or false"],
    ["hold: 'maybe'", "error: R: 'maybe' is not a valid value of 'hold': expected true or false"],
    [
      "requirements: 'CPU_Type = 1'",
      "error: R: 'CPU_Type = 1' is not a valid value of 'requirements': expected a ClassAd",
    ],
    [
      String.raw`'+Mine': "\"a\nb\""`,
      'error: R: The value of +Mine contains a line break: expected a value in one line',
    ],
    [
      "'+Mine': 'a text'",
      "error: R: 'a text' is not a valid value of '+Mine': expected a ClassAd expression, with strings in",
    ],
  ])('of %s it is said what would do', (line, complaint) => {
    expect(complaintsOf('job', line)).toEqual([expect.stringContaining(complaint)]);
  });

  it('several lines are one, but in texts', () => {
    const [rule] = parseRuleFile(
      `R:
  params: {name: DST_X_run9pp, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p}
  input: {db: fc, query: 'select 1 {run_condition}'}
  job:
    arguments: |
      $(nevents)
      $(run) {PWD} {rsync}
    requirements: |
      true
      && "a" != "b"
    transfer_input_files: "a,\\n  b\\n"
`,
      '/r.yaml',
    ).rules;
    if (rule === undefined) throw new Error('no rule');
    const preparation = prepareRule(rule, someOptions);
    if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
    const row = { run: 7, segment: 0, dsttype: 'D', dstname: 'D', dstfile: 'D', source: '', inputs: '', ranges: '' };
    const job = expandJob(preparation.prepared, { ...row, extra: {} }, { cupsid: 3 });
    expect(job.arguments).toMatch(/^a\.sh 0 7 \S+ p 3$/u);
    expect(job.commands).toMatchObject({
      requirements: 'true && "a" != "b"',
      transfer_input_files: 'a,   b',
    });
  });
});
