import { expect, test } from 'vitest';

import { describeInterruption } from '#commands/kaedama/interruption.ts';

test.each([
  [{ phase: 'before', ready: 0, submitted: 0 }, 'Interrupted: nothing was submitted'],
  [
    { phase: 'begun', ready: 2000, submitted: 0 },
    "Interrupted: up to 2,000 jobs may be reserved or submitted; the next kaedama, or 'slurp reconcile', resolves that",
  ],
  [
    { phase: 'begun', ready: 1, submitted: 0 },
    "Interrupted: the job may be reserved or submitted; the next kaedama, or 'slurp reconcile', resolves that",
  ],
  [{ phase: 'ended', ready: 5, submitted: 0 }, 'Interrupted: nothing was submitted'],
  [{ phase: 'ended', ready: 5, submitted: 5 }, 'Interrupted: 5 jobs submitted'],
  [{ phase: 'ended', ready: 5, submitted: 1 }, 'Interrupted: 1 job submitted, 4 of the ready ones are not'],
] as const)('%j is described as %j', (trace, words) => {
  expect(describeInterruption(trace)).toBe(words);
});
