import { expect, test } from 'vitest';

import { renderAlarms } from '#reports/loop/render-alarms.ts';

const now = new Date('2026-12-02T10:00:00.000Z');

test('shows what needs a person, and that a notification could not be delivered', () => {
  const alarm = {
    ...{ cause: 'disk:DST_A', rule: 'DST_A', what: "Rule 'DST_A' waits: \u001B[31m", advice: 'Make room' },
    raisedAt: '2026-12-02T08:00:00.000Z',
  };
  expect(renderAlarms([alarm], { count: 2, oldestSeconds: 600, problem: 'HTTP 500' }, now)).toBe(`
alarm disk:DST_A, 2h ago: Rule 'DST_A' waits: \uFFFD[31m
  Make room
2 notifications not delivered, the oldest for 10m: HTTP 500
`);
  expect(renderAlarms([], { count: 0, oldestSeconds: 0 }, now)).toBe('');
});
