import { describe, expect, it } from 'vitest';

import { parseRuleFile } from '#rules/read-rule-file.ts';

import { renderComplaints } from '../rule-files.ts';

function complaintsOf(...lines: readonly string[]): readonly string[] {
  return renderComplaints(parseRuleFile(`R:\n${lines.map((line) => `  ${line}\n`).join('')}`, '/r.yaml').complaints);
}

describe('a key that nothing reads (C-R23)', () => {
  it.each([
    ['filesystem: {log_dir: /x}', "2:16: error: R: Unknown key 'filesystem.log_dir': expected 'logdir'"],
    ['filesystem: {OutDir: /x}', "2:16: error: R: Unknown key 'filesystem.OutDir': expected 'outdir'"],
    ['params: {verson: 1}', "2:12: error: R: Unknown key 'params.verson': expected 'version'"],
    ['params: {rsyc: x}', "2:12: error: R: Unknown key 'params.rsyc': expected 'rsync'"],
    ['input: {qery: x}', "2:11: error: R: Unknown key 'input.qery': expected 'query'"],
    ['input: {directpath: x}', "2:11: error: R: Unknown key 'input.directpath': expected 'direct_path'"],
    ['parms: {name: x}', "2:3: error: R: Unknown key 'parms': expected 'params'"],
  ])('is an error where it looks mistyped: %s', (line, complaint) => {
    expect(complaintsOf(line)).toEqual([`r.yaml:${complaint}`]);
  });

  it('is an error where its section ended too early', () => {
    expect(complaintsOf('filesystem: {}', 'outdir: /x', 'arguments: x', 'dbtag: x')).toEqual([
      "r.yaml:3:3: error: R: Unknown key 'outdir': expected it in 'filesystem': check the indentation",
      "r.yaml:4:3: error: R: Unknown key 'arguments': expected it in 'job': check the indentation",
      "r.yaml:5:3: error: R: Unknown key 'dbtag': expected it in 'params': check the indentation",
    ]);
  });

  it('is odd where it is a directory that no text uses', () => {
    expect(complaintsOf('filesystem: {scratch: /x}')).toEqual([
      "r.yaml:2:16: warning: R: Unknown key 'filesystem.scratch': expected a value in the rule that uses it",
    ]);
  });

  it.each([
    ['a directory that a field uses', 'filesystem: {log_dir: /x}', 'job: {log: "{log_dir}/x"}'],
    ['a directory that a macro uses', 'filesystem: {log_dir: /x}', 'job: {log: "$(log_dir)/x"}'],
    ['a param that the query uses', 'params: {verson: 1}', 'input: {query: "select {verson:03d}"}'],
    ['a param that a macro formats', 'params: {verson: 1}', 'job: {log: "$INT(verson,%03d)"}'],
    ['a param beside the one it looks like', 'params: {name: x, nam: y}', ''],
    ['a remark', 'params: {comment: x, minrun: 1}', ''],
  ])('but not %s', (_what, ...lines) => {
    expect(complaintsOf(...lines.filter((line) => line !== ''))).toEqual([]);
  });
});

describe('a section or a directory that is empty (C-R4)', () => {
  it('is an error, since the default would be used instead', () => {
    expect(complaintsOf('filesystem:', 'job: {requirements: , log: , output: }')).toEqual([
      "r.yaml:2:14: error: R: 'filesystem' is empty: expected its keys indented under it, or no 'filesystem'",
      "r.yaml:3:23: error: R: job.requirements is empty: expected a value, or '' for an empty one, or no such key",
      "r.yaml:3:30: error: R: job.log is empty: expected a value, or '' for an empty one, or no such key",
      "r.yaml:3:40: warning: R: job.output is empty and is ignored: expected a value, or '' for an empty one",
    ]);
    expect(complaintsOf('filesystem: {outdir: ~}')).toEqual([
      'r.yaml:2:24: error: R: filesystem.outdir is empty: expected a directory, or no such key',
    ]);
  });
});
