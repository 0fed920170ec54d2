import { expect, test } from 'vitest';

import { defaultLogsOf } from '#rules/job/default-logs.ts';

const params = { logbase: 'x' };
const usual = { output: '{logdir}/{logbase}.out', error: '{logdir}/{logbase}.err' };
const besides = { output: '{logdir}/{logbase}.condor.stdout', error: '{logdir}/{logbase}.condor.stderr' };

test.each([
  ['names none: LOGBASE.out and LOGBASE.err', {}, true, usual],
  ['names none, without the wrapper', {}, false, usual],
  ['transfers nothing', { transfer_output_files: '""' }, true, usual],
  ['transfers nothing, in other words', { transfer_output_files: '' }, false, usual],
  ['transfers logs: the wrapper has names of its own', { transfer_output_files: 'a.out,a.err' }, true, besides],
  ['transfers logs, without the wrapper: nothing', { transfer_output_files: 'a.out,a.err' }, false, {}],
  ['names its output', { output: 'mine' }, true, { error: usual.error }],
  ['names both', { output: 'mine', error: 'also' }, true, {}],
])('a rule that %s (C-R19)', (_, job, isWrapped, expected) => {
  expect(defaultLogsOf({ job, filesystem: { logdir: '/log' }, params }, isWrapped)).toEqual(expected);
});

test('a rule gets logs only if it has a log directory', () => {
  expect(defaultLogsOf({ job: {}, filesystem: {}, params }, true)).toEqual({});
  expect(defaultLogsOf({ job: { arguments: 'x {logdir}' }, filesystem: {}, params }, true)).toEqual(usual);
});

test('without logbase they bear the name of the product', () => {
  expect(defaultLogsOf({ job: {}, filesystem: { logdir: '/log' }, params: {} }, true)).toEqual({
    output: '{logdir}/$(slurp.dstfile).out',
    error: '{logdir}/$(slurp.dstfile).err',
  });
});
