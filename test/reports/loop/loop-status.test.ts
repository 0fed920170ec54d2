import { expect, test } from 'vitest';

import { describeCycle, describeTurn } from '#reports/loop/describe-turn.ts';
import { renderLoopStatus } from '#reports/loop/render-loop-status.ts';

import type { LoopRuleStatus, PassRecord } from '#model/report/loop-status.ts';

const now = new Date('2026-12-02T10:00:00.000Z');
const pass: PassRecord = {
  ...{ rule: 'DST_A', config: '/data/rules.yaml', outcome: 'dispatched', submitted: 12 },
  ...{ startedAt: '2026-12-02T09:57:00.000Z', endedAt: '2026-12-02T09:57:30.000Z', nextAt: '2026-12-02T10:02:30.000Z' },
};
const loop = { name: 'ada@alpha', process: 4711, since: '2026-12-01T10:00:00.000Z', isSilent: false };

test('shows who runs which rule, what came of it and why it waits, in 80 columns', () => {
  const rules: readonly LoopRuleStatus[] = [
    {
      ...{ rule: 'DST_A', failures: 0, loop, last: pass, policy: [] },
      lastTriggered: { outcome: 'dispatched', submitted: 3, runs: 2, endedAt: '2026-12-02T09:59:57.000Z' },
    },
    {
      ...{
        rule: 'DST_B',
        failures: 3,
        policy: [
          {
            ...{ rule: 'DST_B', isActive: true, action: 'retry', count: 2, dueAt: '2026-12-02T10:20:00.000Z' },
            example: { dstfile: 'DST_B-00000007-00000', reason: 'Exit code 1: retry after 20m' },
          },
          {
            ...{ rule: 'DST_B', isActive: false, action: 'give-up', count: 1 },
            example: { dstfile: 'DST_B-00000008-00000', reason: 'Exit code 2' },
          },
        ],
        loop: { ...loop, isSilent: true },
        lastDispatchedAt: '2026-11-29T10:00:00.000Z',
      },
      scoutMemory: { scouts: 5, measured: 4, percentile: 95, factor: 1.3, peakMb: 2000.4, memoryMb: 2601 },
      breaker: { isActive: false, reason: '25 of 25 jobs failed', openedAt: '2026-12-02T09:20:00.000Z' },
      last: { ...pass, rule: 'DST_B', outcome: 'failed', reason: "Column 'files' does not exist", submitted: 0 },
    },
    {
      ...{ rule: 'DST_C', failures: 0, policy: [] },
      pause: { rule: 'DST_C', reason: 'calibration', by: 'eve', at: '2026-12-02T08:00:00.000Z' },
    },
  ];
  const text = renderLoopStatus(rules, now, 80);
  expect(text.split('\n')).toEqual([
    'rule   loop                     last pass  result      jobs  next',
    '-----  -----------------------  ---------  ----------  ----  -----',
    'DST_A  ada@alpha:4711           2m ago     dispatched    12  in 2m',
    'DST_B  ada@alpha:4711 (silent)  2m ago     failed         0  in 2m',
    'DST_C  -                        never      paused            -',
    '',
    'DST_A: triggered by new files of 2 runs 3s ago: 3 jobs dispatched',
    "DST_B: Column 'files' does not exist",
    'DST_B: failed 3 times in a row; its last good pass was 3d ago',
    'DST_B: its loop does not renew its lease: another loop may take it',
    'DST_B: scouts: jobs request 2601 MB of memory: 1.3 times 2000 MB, the 95th percentile of 4 scouts',
    'DST_B: breaker (passive): would have paused it 40m ago: 25 of 25 jobs failed',
    'DST_B: retry (active): 2 failed or held attempts will be retried, the next in 20m; e.g. DST_B-00000007-00000: Exit code 1: retry after 20m',
    'DST_B: retry (passive): 1 failed or held attempt would be given up; e.g. DST_B-00000008-00000: Exit code 2',
    'DST_C: paused by eve 2h ago: calibration',
    '',
  ]);
});

test('shows what a person has to know of a paused rule: why, what it had to do, and what failed', () => {
  const none = { 'not-selected': 0, 'invalid-run': 0, exists: 0, duplicate: 0, 'missing-inputs': 0 };
  const counts = { ...none, blocked: 8, unfit: 0, 'over-limit': 0, ready: 0 };
  const faults = { rejected: 0, repeated: 0 };
  const funnel = { rows: 8, candidates: 8, faults, counts, blockedByState: {}, warnings: [] };
  const text = renderLoopStatus(
    [
      {
        ...{ rule: 'DST_A', failures: 0, loop, last: { ...pass, submitted: 0 }, policy: [] },
      },
      {
        ...{ rule: 'DST_B', failures: 0, loop, last: { ...pass, rule: 'DST_B', outcome: 'waited', submitted: 0 } },
        pause: { rule: 'DST_B', reason: 'calibration', by: 'eve', at: '2026-12-02T08:00:00.000Z' },
        earlierFunnel: funnel,
        unwell: { failed: 3, held: 1, run: 7, segment: 2 },
        policy: [
          {
            ...{ rule: 'DST_B', isActive: true, action: 'retry', count: 1, dueAt: '2026-12-02T10:20:00.000Z' },
            example: { dstfile: 'DST_B-7', reason: 'Exit code 1: retry' },
          },
          {
            ...{ rule: 'DST_B', isActive: true, action: 'give-up', count: 1 },
            example: { dstfile: 'DST_B-8', reason: 'Exit code 2' },
          },
        ],
      },
    ],
    now,
    80,
  );
  expect(text).toContain('DST_A  ada@alpha:4711  2m ago     nothing new     0  in 2m\n');
  expect(text.split('\n').slice(5)).toEqual([
    'DST_B: paused by eve 2h ago: calibration',
    'DST_B: before, 8 candidates: 8 blocked',
    "DST_B: 3 failed, 1 held: see 'kaedama … --why 7 2'",
    'DST_B: retry (active): 1 failed or held attempt will be retried when the rule is resumed; e.g. DST_B-7: Exit code 1: retry',
    'DST_B: retry (active): 1 failed or held attempt was given up; e.g. DST_B-8: Exit code 2',
    '',
  ]);
});

test('says what to do where no loop has run', () => {
  expect(renderLoopStatus([], now, 80)).toBe("No loop has run a rule here: 'ramenya submit FILE --loop' starts one\n");
});

test('describes turns and cycles in a line', () => {
  expect(describeTurn(pass, [7, 8])).toBe('DST_A: 12 jobs dispatched, cluster 7, 8');
  expect(describeTurn({ ...pass, outcome: 'waited', reason: 'eve paused it: x' }, [])).toBe(
    'DST_A waits: eve paused it: x',
  );
  expect(describeTurn({ ...pass, outcome: 'failed', reason: 'no\n\u001B[31m' }, [])).toBe(
    'DST_A failed: no \uFFFD[31m',
  );
  const passes = [
    pass,
    { ...pass, outcome: 'waited', submitted: 0 } as const,
    { ...pass, outcome: 'failed', submitted: 0 } as const,
  ];
  expect(describeCycle(3, passes, '2026-12-02T10:02:30.000Z')).toBe(
    'Cycle 3: 3 rules, 12 jobs dispatched, 1 waiting, 1 failed; next at 10:02:30 UTC',
  );
});
