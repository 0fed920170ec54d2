import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { withBound } from '#util/with-bound.ts';

describe('withBound', () => {
  it('answers what comes in time', async () => {
    expect(await withBound(Promise.resolve(1), 10_000, () => 2)).toBe(1);
    await expect(withBound(Promise.reject(new Error('no')), 10_000, () => 2)).rejects.toThrow('no');
  });

  it('answers something else, or throws, where it takes too long', async () => {
    expect(await withBound(sleep(500, 1, { ref: false }), 5, () => 2)).toBe(2);
    const late = (): never => {
      throw new Error('late');
    };
    await expect(withBound(sleep(500, 1, { ref: false }), 5, late)).rejects.toThrow('late');
  });
});
