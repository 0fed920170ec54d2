import { expect, test } from 'vitest';

import { applyJournalEvent, jobOf } from '#batch/local/journal.ts';
import { parseJobResult } from '#batch/local/launcher.ts';

import type { JournalEvent, LocalJobs } from '#batch/local/journal.ts';

const at = '2026-11-24T08:00:00.000Z';

function fold(events: readonly JournalEvent[]): LocalJobs {
  const jobs: LocalJobs = { count: 2, submittedAt: at, jobs: new Map(), ended: 0 };
  for (const event of events) applyJournalEvent(jobs, event);
  return jobs;
}

const starting = (start: number): JournalEvent => ({ kind: 'starting', process: 0, start, at });
const ask = (action: 'hold' | 'release' | 'remove'): JournalEvent => ({ kind: 'request', action, reason: action, at });
const ended: JournalEvent = { kind: 'ended', process: 0, start: 0, at, exitCode: 0 };

test.each<[string, readonly JournalEvent[], string]>([
  ['nothing', [], 'idle'],
  ['a start', [starting(0)], 'running'],
  ['a start and an end', [starting(0), ended], 'completed'],
  ['an end without a start', [ended], 'idle'],
  ['a hold', [ask('hold')], 'held'],
  ['a hold and a release', [ask('hold'), ask('release')], 'idle'],
  ['a start after a hold', [ask('hold'), starting(0)], 'held'],
  ['a start after a removal', [ask('remove'), starting(0)], 'removed'],
  ['a removal of a held job', [ask('hold'), ask('remove')], 'removed'],
  ['a release after a removal', [ask('remove'), ask('release')], 'removed'],
  ['a removal while it runs', [starting(0), ask('remove')], 'running'],
  ['a removal after the end', [starting(0), ended, ask('remove')], 'completed'],
  ['a launcher that never came', [starting(0), { kind: 'unstarted', process: 0, start: 0, at }], 'idle'],
  [
    'the end of an earlier start',
    [starting(0), { kind: 'unstarted', process: 0, start: 0, at }, starting(1), ended],
    'running',
  ],
])('after %s', (_, events, state) => {
  expect(jobOf(fold(events), 0).state).toBe(state);
});

test('a removal asked for wins over a hold asked for', () => {
  expect(jobOf(fold([starting(0), ask('hold'), ask('remove'), ask('hold')]), 0).pending).toEqual({
    action: 'remove',
    reason: 'remove',
  });
});

test('counts jobs that have ended once', () => {
  expect(fold([starting(0), ended, ended, ask('remove'), ask('remove')]).ended).toBe(2);
});

test('reads what the launcher wrote down', () => {
  const times = '0m0.00s 0m0.00s\n1m2.50s 0m0.25s\n';
  expect(parseJobResult(`exit 0\nuptime 100.00 103.50\n${times}`)).toEqual({
    ...{ exitCode: 0, wallSeconds: 3.5, cpuSeconds: 62.75 },
  });
  expect(parseJobResult(`exit 137\nuptime 1.00 1.00\n${times}`)).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
  expect(parseJobResult('')).toBeUndefined();
});
