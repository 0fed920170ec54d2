import { expect, it } from 'vitest';

import { renderLimitCondition, renderRunCondition, renderSegmentCondition } from '#rules/conditions.ts';

it.each([
  [{ kind: 'one', run: 22026 }, 'and runnumber=22026 '],
  [{ kind: 'range', first: 22000, last: 22100 }, 'and runnumber>=22000 and runnumber<=22100 '],
  [{ kind: 'list', runs: [22026, 22027, 22033] }, 'and runnumber in ( 22026,22027,22033 )'],
  [{ kind: 'list', runs: [22026, 22027] }, 'and runnumber in ( 22026,22027 )'],
  [{ kind: 'list', runs: [22026] }, 'and runnumber in ( 22026 )'],
  [{ kind: 'cursor' }, 'and runnumber>=5000 '],
  [{ kind: 'cursor', window: 1000 }, 'and runnumber>=5000 and runnumber<=5000+1000 '],
] as const)('renders runs %j as "%s" (C-S1)', (selection, text) => {
  expect(renderRunCondition(selection, 5000)).toBe(text);
});

it.each([
  [undefined, ''],
  [{ kind: 'one', segment: 0 }, 'and segment=0'],
  [{ kind: 'range', first: 0, last: 9 }, 'and segment>=0 and segment<=9'],
  [{ kind: 'list', segments: [0, 3, 5] }, 'and segment in ( 0,3,5 )'],
] as const)('renders segments %j as "%s"', (selection, text) => {
  expect(renderSegmentCondition(selection)).toBe(text);
});

it('renders a limit, and none for 0 (C-S4)', () => {
  expect(renderLimitCondition(0)).toBe('');
  expect(renderLimitCondition(100)).toBe('limit 100');
});

it('pastes nothing but whole numbers', () => {
  expect(() => renderRunCondition({ kind: 'one', run: 1.5 }, 0)).toThrow("'1.5' is not a whole number from 0");
  expect(() => renderRunCondition({ kind: 'cursor' }, Number.NaN)).toThrow("'NaN' is not a whole number from 0");
});
