import { expect, it } from 'vitest';

import { pauseMsOf } from '#util/pause-ms.ts';

/** The shortest and the longest of many pauses, in units of the pause without chance. */
function rangeOf(failures: number, mostMs?: number): readonly [number, number] {
  const pauses = Array.from({ length: 2000 }, () =>
    pauseMsOf(failures, mostMs === undefined ? { firstMs: 100 } : { firstMs: 100, mostMs }),
  );
  return [Math.min(...pauses), Math.max(...pauses)];
}

it.each([
  [1, undefined, 100],
  [2, undefined, 200],
  [5, undefined, 1600],
  [5, 1000, 1000],
  [5000, 1000, 1000],
])('after %i failures, at most %s: about %i ms, spread by half', (failures, mostMs, expected) => {
  const [least, most] = rangeOf(failures, mostMs);
  expect(least).toBeGreaterThanOrEqual(expected * 0.5);
  expect(least).toBeLessThan(expected * 0.6);
  expect(most).toBeLessThan(expected * 1.5);
  expect(most).toBeGreaterThan(expected * 1.4);
});
