import { randomUUID } from 'node:crypto';

import { expect, it } from 'vitest';

import { askLockHolder, claimSocketLock } from '#util/process/socket-lock.ts';

it('is held by one, who can be asked, until it is released', async () => {
  const name = `slurp-test-${randomUUID()}`;
  expect(await askLockHolder(name)).toBeUndefined();
  const lock = await claimSocketLock(name, () => 'me');
  expect(await claimSocketLock(name, () => 'other')).toBeUndefined();
  expect(await askLockHolder(name)).toBe('me');
  await lock?.release();
  const next = await claimSocketLock(name, () => 'next');
  expect(await askLockHolder(name)).toBe('next');
  await next?.release();
});
