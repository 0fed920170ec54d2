import { describe, expect, it } from 'vitest';

import { cursorKeyOf, reservationLockOf, setupNameOf } from '#model/production.ts';

const production = { dsttype: 'DST_CALO_run2pp', build: 'ana437', tag: '2024p007' };

describe('a production', () => {
  it('has one setup name for all its streams', () => {
    expect(setupNameOf(production)).toBe('DST_CALO_run2pp');
    expect(setupNameOf({ dsttype: 'DST_$(streamname)_run3auau' })).toBe('DST__X__run3auau');
  });

  it('has one cursor for all its streams; without version it shares that of version 0', () => {
    const streams = { ...production, dsttype: 'DST_$(streamname)_run2pp' };
    const key = { dsttype: 'DST__X__run2pp', build: 'ana437', tag: '2024p007', version: 0 };
    expect(cursorKeyOf(streams)).toEqual(key);
    expect(cursorKeyOf({ ...streams, version: 0 })).toEqual(key);
    expect(cursorKeyOf({ ...streams, version: 3 })).toEqual({ ...key, version: 3 });
  });

  it('shares its lock with every production whose products can have the same names', () => {
    const lock = reservationLockOf(production);
    expect(lock).toBe('ana437_2024p007_v000');
    expect(reservationLockOf({ ...production, version: 0 })).toBe(lock);
    for (const other of [{ build: 'ana438' }, { tag: '2024p008' }, { version: 1 }]) {
      expect(reservationLockOf({ ...production, ...other })).not.toBe(lock);
    }
  });
});
