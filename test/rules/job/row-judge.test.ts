import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeRowJudge } from '#rules/job/row-judge.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { someOptions } from '../rule-files.ts';

import type { JobRow } from '#rules/job/job-row.ts';
import type { RowJudge, RowReader } from '#rules/job/row-judge.ts';

function judgeOf(...job: readonly string[]): RowJudge {
  return readerOf(undefined, ...job);
}

function readerOf(reader: RowReader | undefined, ...job: readonly string[]): RowJudge {
  const text = `
TEST:
  params:
    name: DST_TEST_run2pp
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 1024MB
    rsync: "./payload/*"
  input:
    db: fc
    query: select 'x' as source, 1 as runnumber, 0 as segment, 'f' as files, 'y' as odd
  filesystem:
    outdir: /out
    logdir: /log
    condor: /condor
  job:
    arguments: "$(run) $(inputs) {PWD} {rsync}"
    log: "{condor}/$(run).condor"
${job.map((line) => `    ${line}\n`).join('')}`;
  const { rules, complaints } = parseRuleFile(text, '/rules/test.yaml');
  const [rule] = rules;
  if (rule === undefined) throw new Error(JSON.stringify(complaints));
  const preparation = prepareRule(rule, { ...someOptions, isDbinput: false });
  if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
  return makeRowJudge(preparation.prepared, reader);
}

function rowOf(odd: string, inputs = '/a.evt'): JobRow {
  return {
    ...{ run: 1, segment: 0, dsttype: 'DST_TEST_run2pp', dstname: 'DST_TEST_run2pp_ana437', source: 'x' },
    ...{ dstfile: 'DST_TEST_run2pp_ana437-00000001-00000', inputs, ranges: '', extra: { odd } },
  };
}

test.each([
  ['+Odd: "$(odd)"', 'a,b', false],
  ['+Odd: "$(odd)"', 'a b', false],
  ['+Odd: "$(odd)"', '"a,b"', true],
  ['+Odd: "$(odd)"', '5', true],
  ['+Odd: "$(odd)"', '', true],
  [`+Odd: '"$(odd)"'`, 'a,b', true],
  [`+Odd: '"$(odd)"'`, 'costs 5$', true],
  [`+Odd: '"$(odd)"'`, 'a "quote"', false],
  ['request_memory: "$(odd)"', '2GB', true],
  ['request_memory: "$(odd)"', '2 giga', false],
  ['priority: "$(odd)"', '17', true],
  ['priority: "$(odd)"', 'a,b', false],
  ['rank: "$(odd)"', '((', false],
  ['concurrency_limits: "$(odd)"', 'sw_a:2, sw_b', true],
  ['concurrency_limits: "$(odd)"', '5', false],
  ['concurrency_limits: "$(odd)"', 'a-b', false],
  ['accounting_group: "$(odd)"', 'group_a.b', true],
  ['accounting_group: "$(odd)"', 'group a', false],
  ['accounting_group_user: "$(odd)"', 'one two', false],
  ['kill_sig: "$(odd)"', 'SIGINT', true],
  ['kill_sig: "$(odd)"', '15', true],
  ['kill_sig: "$(odd)"', 'INT', false],
  ['remove_kill_sig: "$(odd)"', '64', false],
  ['success_exit_code: "$(odd)"', '3', true],
  ['success_exit_code: "$(odd)"', '1 2', false],
  ['retry_until: "$(odd)"', 'x y', false],
  ['on_exit_hold_reason: "$(odd)"', 'too long', false],
  ['on_exit_hold_reason: "$(odd)"', '"too long"', true],
  ['image_size: "$(odd)"', '0', false],
  ['deferral_time: "$(odd)"', 'a b', false],
  ['should_transfer_files: "$(odd)"', 'NO', false],
  [`environment: "$(odd)"`, 'A=1;B=x y', true],
  [`environment: "$(odd)"`, 'A', false],
  [`environment: '"X=1 $(odd)"'`, "A='x y'", true],
  [`environment: '"X=1 $(odd)"'`, "A='x", false],
  [`environment: '"X=1 $(odd)"'`, 'y', false],
])('of %s with %j: can be submitted is %s (C-H11)', (line, odd, isFit) => {
  const judge = judgeOf(line);
  expect(judge.isForAll).toBe(true);
  expect(judge.judge(rowOf(odd)).fault === undefined).toBe(isFit);
});

test('reports which command or attribute of a row cannot be parsed', () => {
  expect(judgeOf('+Odd: "$(odd)"').judge(rowOf('a,b')).fault).toMatch(/'?a,b'?.*\+Odd.*ClassAd/u);
});

test('no row is checked unless a value of a row is read as a number or an expression', () => {
  const judge = judgeOf('output: "/log/$(odd).out"', '+Fixed: "1"');
  expect(judge.isForAll).toBe(false);
  expect(judge.judge(rowOf('a,b "c"')).fault).toBeUndefined();
  expect(judge.judge(rowOf('a\nb')).fault).toBe("'output' contains a line break: remove it in the query");
  expect(judge.judge(rowOf('a\u001Bb')).fault).toBe(
    "'output' contains the control character U+001B: remove it in the query",
  );
});

test('an argument that is longer than any program can be given is found before anything is submitted (C-H11)', () => {
  const judge = judgeOf();
  const paths = (bytes: number): string => 'x'.repeat(bytes);
  expect(judge.judge(rowOf('', paths(131_071))).fault).toBeUndefined();
  expect(judge.judge(rowOf('', paths(180_000))).fault).toBe(
    "'arguments' holds a word of 180000 bytes: no program can be started with more than 131071",
  );
});

test('a row whose program, start directory or files to send are missing is left out (C-H12)', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slurp-rows-'));
  try {
    await writeFile(join(root, 'here'), '');
    const program = judgeOf(`executable: "${root}/$(odd)"`);
    expect(program.judge(rowOf('here')).fault).toBeUndefined();
    expect(program.judge(rowOf('gone')).fault).toBe(`the program '${root}/gone' is missing`);
    expect(program.judge(rowOf('')).fault).toBe(`the program '${root}' is a directory`);
    const inPlace = judgeOf(`executable: "${root}/$(odd)"`, 'transfer_executable: "false"');
    expect(inPlace.judge(rowOf('gone')).fault).toBeUndefined();
    const sent = judgeOf(`transfer_input_files: "cups.py, https://host/a, ${root}/$(odd)"`);
    expect(sent.judge(rowOf('here')).fault).toBeUndefined();
    expect(sent.judge(rowOf('gone')).fault).toBe(`'${root}/gone' is missing, which 'transfer_input_files' names`);
    const filled = judgeOf(`transfer_input_files: "${root}/$(odd).$(ClusterId)"`);
    expect(filled.judge(rowOf('gone')).fault).toBeUndefined();
    for (const command of ['input', 'stdin', 'x509userproxy']) {
      const named = judgeOf(`${command}: "${root}/$(odd)"`);
      expect(named.judge(rowOf('here')).fault).toBeUndefined();
      expect(named.judge(rowOf('gone')).fault).toBe(`'${root}/gone' is missing, which '${command}' names`);
    }
    const onWorker = judgeOf(`input: "${root}/$(odd)"`, 'transfer_input: "false"');
    expect(onWorker.judge(rowOf('gone')).fault).toBeUndefined();
    const relative = judgeOf('transfer_input_files: here', `initialdir: "${root}/$(odd)"`);
    expect(relative.judge(rowOf('')).fault).toBeUndefined();
    expect(relative.judge(rowOf('here')).fault).toBe(`'initialdir' is '${root}/here': expected a directory`);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('files that are the same for all rows are not looked for here', () => {
  expect(judgeOf('transfer_input_files: /nowhere/at/all', '+Fixed: "1"').isForAll).toBe(false);
});

test('says which commands are empty in a row; what the site sets for all jobs is not checked (C-H12)', () => {
  const judge = judgeOf('rank: "$(odd)"', 'log: "/log/$(odd)"', '+Odd: "$(odd)"', 'output: "$(odd)"');
  expect(judge.uneven).toEqual(['rank', 'output']);
  expect(judge.judge(rowOf(''))).toEqual({ empty: ['rank', 'output'] });
  expect(judge.judge(rowOf('5'))).toEqual({ empty: [] });
  const overridden = readerOf({ overridden: new Set(['rank']), isInherited: true }, 'rank: "$(odd)"');
  expect(overridden.isForAll).toBe(false);
  expect(overridden.judge(rowOf('(('))).toEqual({ empty: [] });
});
