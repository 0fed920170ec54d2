import { expect, test } from 'vitest';

import { decideByScouts } from '#loop/back-pressure/decide-by-scouts.ts';

test.each([
  ['the first jobs go', { finished: 0, open: 0, failed: 0 }, { kind: 'go', room: 5 }],
  ['some are missing', { finished: 1, open: 2, failed: 0 }, { kind: 'go', room: 2 }],
  ['all have finished', { finished: 5, open: 0, failed: 0 }, { kind: 'go', room: Infinity }],
  [
    'some are under way',
    { finished: 1, open: 4, failed: 0 },
    { kind: 'wait', reason: "1 of 5 scouts finished, 4 under way: the other jobs wait for them ('scouts')" },
  ],
  [
    'more jobs are under way, of a time without scouts',
    { finished: 0, open: 400, failed: 0 },
    { kind: 'wait', reason: "0 of 5 scouts finished, 400 under way: the other jobs wait for them ('scouts')" },
  ],
  [
    'one has failed',
    { finished: 4, open: 0, failed: 1, example: 'DST_A-1' },
    {
      kind: 'wait',
      reason:
        "4 of 5 scouts finished, 0 under way, 1 failed (DST_A-1): the other jobs wait until they are redone ('scouts')",
    },
  ],
  [
    'several have failed',
    { finished: 2, open: 0, failed: 3, example: 'DST_A-1' },
    {
      kind: 'wait',
      reason:
        "2 of 5 scouts finished, 0 under way, 3 failed (DST_A-1 and others): the other jobs wait until they are redone ('scouts')",
    },
  ],
] as const)('%s', (_, count, verdict) => {
  expect(decideByScouts(count, 5)).toEqual(verdict);
});
