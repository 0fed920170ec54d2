import { expect, test } from 'vitest';

import { makeRowJudge } from '#rules/job/row-judge.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { someOptions } from '../rule-files.ts';

import type { JobRow } from '#rules/job/job-row.ts';
import type { RowJudge } from '#rules/job/row-judge.ts';

function judgeOf(...job: readonly string[]): RowJudge {
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
  return makeRowJudge(preparation.prepared);
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
])('of %s with %j: can be submitted is %s (C-H11)', (line, odd, isFit) => {
  const judge = judgeOf(line);
  expect(judge.isForAll).toBe(true);
  expect(judge.judge(rowOf(odd)) === undefined).toBe(isFit);
});

test('says which command or attribute of a row cannot be read', () => {
  expect(judgeOf('+Odd: "$(odd)"').judge(rowOf('a,b'))).toMatch(/'?a,b'?.*\+Odd.*ClassAd/u);
});

test('no row needs a look unless a value of a row is read as a number or an expression', () => {
  const judge = judgeOf('output: "/log/$(odd).out"', '+Fixed: "1"');
  expect(judge.isForAll).toBe(false);
  expect(judge.judge(rowOf('a,b "c"'))).toBeUndefined();
  expect(judge.judge(rowOf('a\nb'))).toBe("'output' contains a line break: remove it in the query");
  expect(judge.judge(rowOf('a\u001Bb'))).toBe("'output' contains the control character U+001B: remove it in the query");
});

test('an argument that is longer than any program can be given is found before anything is submitted (C-H11)', () => {
  const judge = judgeOf();
  const paths = (bytes: number): string => 'x'.repeat(bytes);
  expect(judge.judge(rowOf('', paths(131_071)))).toBeUndefined();
  expect(judge.judge(rowOf('', paths(180_000)))).toBe(
    "'arguments' holds a word of 180000 bytes: no program can be started with more than 131071",
  );
});
