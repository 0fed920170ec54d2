import { describe, expect, test } from 'vitest';

import { decideAttempt } from '#settle/reconcile/decide-attempt.ts';

import type { BatchJobReport, BatchSubmissionReport } from '#batch/backend.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';
import type { Decision, DecisionTerms, Sight } from '#settle/reconcile/decide-attempt.ts';

const since = '2026-11-24T10:00:00.000Z';
const sinceMs = Date.parse(since);
const terms: DecisionTerms = { nowMs: sinceMs + 3_600_000, endGraceMs: 60_000, vanishAfterMs: 600_000 };
const uuid = '11111111-2222-4333-8444-555555555555';

function attempt(more: Partial<OpenAttempt> = {}): OpenAttempt {
  return {
    ...{
      id: 7,
      submission: uuid,
      run: 1,
      segment: 0,
      process: 3,
      state: 'submitted',
      start: -1,
      holdCode: null,
      holdSubcode: null,
    },
    exitCode: null,
    ...{ retiredReason: null, isConfirmed: true, lastMessageMs: null, submittedMs: sinceMs - 60_000 },
    ...more,
  };
}

function job(state: BatchJobReport['state'], starts: number, more: Partial<BatchJobReport> = {}): BatchJobReport {
  return { uuid, cluster: 5, process: 3, cupsid: 7, state, since, starts, ...more };
}

function submission(nextProcess: number): BatchSubmissionReport {
  return { uuid, cluster: 5, count: 10, nextProcess };
}

/** A decision in few words: each event as `kind@start`. */
function wordsOf(decision: Decision): string {
  if (decision.kind !== 'report') return decision.kind;
  return decision.events.map(({ start, detail }) => `${detail.kind}@${start}`).join(' ');
}

function decide(row: Partial<OpenAttempt>, sight: Sight, more: Partial<DecisionTerms> = {}): string {
  return wordsOf(decideAttempt(attempt(row), sight, { ...terms, ...more }));
}

const ran: Partial<OpenAttempt> = { state: 'running', start: 0, lastMessageMs: sinceMs - 5000 };
const heldRow: Partial<OpenAttempt> = { state: 'held', start: 0, holdCode: 1, holdSubcode: 0 };

describe('a job in the queue', () => {
  test.each<[string, Partial<OpenAttempt>, BatchJobReport, string]>([
    ['idle, never started', {}, job('idle', 0), 'nothing'],
    ['runs, and its worker said nothing', {}, job('running', 1), 'started@0'],
    ['runs, not yet counted as started', {}, job('running', 0), 'nothing'],
    ['runs, as its worker said', ran, job('running', 1), 'nothing'],
    ['runs, and its worker was faster than the count', { ...ran, start: 1 }, job('running', 1), 'nothing'],
    ['runs a second time', ran, job('running', 2), 'started@1'],
    ['is suspended', ran, job('suspended', 1), 'nothing'],
    ['idle after it ran', ran, job('idle', 1), 'evicted@0'],
    ['idle after it started, of which its worker said nothing', {}, job('idle', 1), 'evicted@0'],
    ['idle after it started, and the count was lost', ran, job('idle', 0), 'evicted@0'],
    ['idle, known to be evicted', { state: 'evicted', start: 0 }, job('idle', 1), 'nothing'],
    ['idle, evicted again', { state: 'evicted', start: 0 }, job('idle', 2), 'evicted@1'],
    ['runs again after it was evicted', { state: 'evicted', start: 0 }, job('running', 2), 'started@1'],
    ['still ending, known to be evicted', { state: 'evicted', start: 0 }, job('running', 1), 'nothing'],
    ['held at submission', {}, job('held', 0, { holdCode: 15 }), 'held@-1'],
    ['held while it ran', ran, job('held', 1, { holdCode: 1 }), 'held@0'],
    ['held, as known', heldRow, job('held', 1, { holdCode: 1, holdSubcode: 0 }), 'nothing'],
    ['held for another reason', heldRow, job('held', 1, { holdCode: 26, holdSubcode: 34 }), 'held@0'],
    ['held again in its next start', heldRow, job('held', 2, { holdCode: 1, holdSubcode: 0 }), 'held@1'],
    ['held, and its worker said evicted', { state: 'evicted', start: 0 }, job('held', 1, { holdCode: 1 }), 'held@0'],
    ['released', heldRow, job('idle', 1), 'released@0'],
    ['released before its first start', { ...heldRow, start: -1 }, job('idle', 0), 'released@-1'],
    ['released, ran and evicted', heldRow, job('idle', 2), 'evicted@1'],
    ['waits after its release', { start: 0 }, job('idle', 1), 'nothing'],
  ])('%s', (_, row, queue, expected) => {
    expect(decide(row, { queue, submission: submission(10) })).toBe(expected);
  });

  test('is reported with reason, code and subcode', () => {
    const queue = job('held', 1, { holdReason: 'memory: "no" more\n', holdCode: 26, holdSubcode: 34 });
    expect(decideAttempt(attempt(ran), { queue }, terms)).toEqual({
      kind: 'report',
      events: [
        {
          ...{ cupsid: 7, source: 'batch:0', start: 0, sequence: sinceMs * 8 + 2, at: since },
          detail: { kind: 'held', reason: 'memory: "no" more\n', code: 26, subcode: 34 },
        },
      ],
    });
  });

  test('speaks after what its worker said last, whatever the clocks say', () => {
    const row = attempt({ state: 'evicted', start: 0, lastMessageMs: sinceMs + 700 });
    const decision = decideAttempt(row, { queue: job('held', 1, { holdCode: 1 }) }, terms);
    expect(decision).toMatchObject({ events: [{ at: '2026-11-24T10:00:00.701Z', sequence: (sinceMs + 701) * 8 + 2 }] });
  });
});

describe('a job that ended', () => {
  test.each<[string, Partial<OpenAttempt>, BatchJobReport, string]>([
    ['well', {}, job('completed', 1, { exitCode: 0 }), 'exited@0'],
    ['with a code', ran, job('completed', 1, { exitCode: 3 }), 'message@0 exited@0'],
    ['by a signal', ran, job('completed', 2, { signal: 'SIGKILL' }), 'message@1 exited@1'],
    ['without anything', ran, job('completed', 1), 'message@0 exited@0'],
    ['by removal', heldRow, job('removed', 1, { removeReason: 'via condor_rm' }), 'removed@0'],
    ['by removal before it started', {}, job('removed', 0), 'removed@-1'],
    ['and was retired before', { ...heldRow, retiredReason: 'replaced' }, job('removed', 1), 'removed@0'],
    [
      'after it had reported that it failed',
      { ...ran, state: 'evicted', exitCode: 3 },
      job('completed', 1, { exitCode: 3 }),
      'exited@0',
    ],
    [
      'in a later start than the one that failed',
      { ...ran, state: 'evicted', exitCode: 3 },
      job('completed', 2, { exitCode: 4 }),
      'message@1 exited@1',
    ],
    ['and the count of its starts was lost', { ...ran, start: 2 }, job('completed', 1, { exitCode: 0 }), 'exited@2'],
  ])('%s', (_, row, report, expected) => {
    expect(decide(row, { history: report })).toBe(expected);
    expect(decide(row, { queue: report })).toBe(expected);
    // Its own report of this end may still be on its way, unless it has arrived.
    const isReported = expected === 'exited@0' && row.exitCode === 3;
    expect(decide(row, { history: report }, { nowMs: sinceMs + 59_999 })).toBe(isReported ? expected : 'wait');
    expect(decide(row, { history: report }, { nowMs: sinceMs, endGraceMs: 0 })).toBe(expected);
  });

  test('is believed in the history, which was asked last', () => {
    expect(decide(ran, { queue: job('running', 1), history: job('completed', 1, { exitCode: 0 }) })).toBe('exited@0');
  });

  test('reports what it used, and how it ended', () => {
    const usage = { cpuSeconds: 4.5, wallSeconds: 9, memoryMb: 123, diskMb: 7, node: 'w1' };
    const decision = decideAttempt(attempt(ran), { history: job('completed', 1, { exitCode: 3, ...usage }) }, terms);
    expect(decision).toMatchObject({
      events: [
        { detail: { kind: 'message', text: 'Ended with exit code 3 before it reported an end' } },
        { detail: { kind: 'exited', exitCode: 3, ...usage } },
      ],
    });
  });
});

describe('a job that is nowhere', () => {
  const heardLongAgo = { nowMs: sinceMs + 600_000 };
  test.each<[string, Partial<OpenAttempt>, Sight, Partial<DecisionTerms>, string]>([
    ['is queued if its factory has not made it', {}, { submission: submission(3) }, {}, 'nothing'],
    ['waits if it was heard of lately', ran, { submission: submission(4) }, { nowMs: sinceMs }, 'wait'],
    ['vanished if its factory has made it', {}, { submission: submission(4) }, heardLongAgo, 'vanished@-1'],
    ['vanished if its submission is not known', ran, {}, heardLongAgo, 'vanished@0'],
    ['vanished at once where nothing is waited for', ran, {}, { nowMs: sinceMs, vanishAfterMs: 0 }, 'vanished@0'],
    ['vanished if it is retired too', { ...heldRow, retiredReason: 'x' }, {}, heardLongAgo, 'vanished@0'],
    ['is unknown if there was no answer', ran, { silence: 'no answer' }, heardLongAgo, 'unknown'],
    ['waits for its submission', { isConfirmed: false, state: 'submitting' }, {}, heardLongAgo, 'wait'],
  ])('%s', (_, row, sight, more, expected) => {
    expect(decide(row, sight, more)).toBe(expected);
  });
});

test.each<BatchJobReport>([job('idle', 0), job('running', 1), job('held', 1), job('suspended', 1)])(
  'the job of a retired attempt is removed: $state',
  (queue) => {
    expect(decideAttempt(attempt({ retiredReason: 'replaced' }), { queue }, terms)).toEqual({
      kind: 'remove-job',
      reason: 'cupsid 7 was retired: replaced',
    });
  },
);

test('an attempt of a confirmed submission is confirmed', () => {
  expect(decide({ state: 'submitting' }, { queue: job('idle', 0) })).toBe('confirm');
});
