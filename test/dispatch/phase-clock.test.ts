import { expect, test } from 'vitest';

import { makePhaseClock } from '#dispatch/phase-clock.ts';

test('adds up the times of each phase, and nothing between them', () => {
  let now = 100;
  const clock = makePhaseClock(() => now);
  const pass = (ms: number): void => {
    now += ms;
  };
  pass(1);
  clock.begin('decide');
  pass(10);
  clock.begin('reserve');
  pass(20);
  clock.end();
  clock.end();
  pass(5);
  clock.begin('reserve');
  pass(0.25);
  clock.begin('submit');
  expect(clock.times()).toEqual({ decide: 10, reserve: 20.3 });
});
