import { expect, test } from 'vitest';

import { findEnds } from '#batch/htcondor/find-ends.ts';

test.each<[string, Record<string, string>]>([
  ['nothing', {}],
  ['no retries', { max_retries: '0' }],
  ['no retries, and another success', { max_retries: '0', success_exit_code: '3' }],
  ['a removal that always happens', { on_exit_remove: 'true' }],
  ['a removal that always happens, in parentheses', { OnExitRemove: '( True )' }],
  ['retries beside a removal that always happens', { max_retries: '2', on_exit_remove: 'true' }],
  ['an attribute that makes retries useless', { max_retries: '2', '+OnExitRemove': 'true' }],
  ['the number of retries as an attribute, which does nothing alone', { '+JobMaxRetries': '2' }],
  ['an empty command', { max_retries: ' ', on_exit_remove: '' }],
  ['a hold that never happens', { on_exit_hold: 'false' }],
  ['a hold that an attribute takes back', { on_exit_hold: 'ExitCode != 0', 'My.OnExitHold': 'False' }],
])('a job with %s does not start again', (_, commands) => {
  expect(findEnds(commands, {}).canRestart).toBe(false);
});

test.each<[string, Record<string, string>]>([
  ['retries', { max_retries: '2' }],
  ['retries under the name of their attribute', { JobMaxRetries: '2' }],
  ['retries of an unknown number', { max_retries: '$(retries)' }],
  ['another success, which turns retries on', { success_exit_code: '3' }],
  ['the same under the name of its attribute', { jobsuccessexitcode: '3' }],
  ['a code that ends retries', { retry_until: '1' }],
  ['a condition that ends retries', { retry_until: 'NumJobStarts > 5' }],
  ['a condition for its removal', { on_exit_remove: '(ExitCode == 0)' }],
  ['the same in an old spelling', { onexitremove: '(ExitCode == 0)' }],
  ['the same as an attribute', { '+OnExitRemove': '(ExitCode == 0)' }],
  ['the same as an attribute in its other form', { 'MY.OnExitRemove': '(ExitCode == 0)' }],
  ['a condition for a hold', { on_exit_hold: 'ExitCode =!= 0' }],
  ['the same as an attribute', { '+OnExitHold': 'ExitCode =!= 0' }],
])('a job with %s may start again', (_, commands) => {
  expect(findEnds(commands, {}).canRestart).toBe(true);
});

test('commands of the site take the place of those of the rule', () => {
  expect(findEnds({}, { max_retries: '1' })).toEqual({ canRestart: true });
  expect(findEnds({ max_retries: '2' }, { Max_Retries: '0' })).toEqual({ canRestart: false });
});

test.each([
  [{ success_exit_code: '3' }, 3],
  [{ JobSuccessExitCode: ' 3 ' }, 3],
  [{ '+JobSuccessExitCode': '-1' }, -1],
  [{ success_exit_code: '1 + 2' }, 3],
  [{ success_exit_code: '(7 / 2) * -1' }, -3],
  [{ success_exit_code: 'ifThenElse(true, 3, 4)' }, undefined],
  [{ success_exit_code: '4 / 0' }, undefined],
  [{}, undefined],
])('the success of %j is %s', (commands: Record<string, string>, code) => {
  expect(findEnds(commands, {}).successExitCode).toBe(code);
});
