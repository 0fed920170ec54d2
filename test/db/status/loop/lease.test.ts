import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { assertLease, claimLease, ensureLeases, removeLeases } from '#db/status/loop/lease.ts';

import { openTestStatus } from '../../test-database.ts';

import type { Database } from '#db/connect.ts';
import type { Lease, LoopIdentity } from '#model/lease.ts';
import type { Production } from '#model/production.ts';

import type { TestStatus } from '../../test-database.ts';

let world: TestStatus;
let status: Database;
beforeAll(async () => {
  world = await openTestStatus(4);
  ({ status } = world);
});
afterAll(() => world.close());
beforeEach(() => status.execute(sql`delete from ${sql.table(status.role, 'production_lease')}`));

const first: LoopIdentity = { uuid: '11111111-0000-0000-0000-000000000000', name: 'ada@alpha', process: 11 };
const second: LoopIdentity = { uuid: '22222222-0000-0000-0000-000000000000', name: 'bob@beta', process: 22 };
const production: Production = { dsttype: 'DST_A', build: 'ana437', tag: '2024p007', version: 1 };
const minute = 60_000;

async function claim(loop: LoopIdentity, of: Production = production, lastsMs = minute): Promise<Lease> {
  const answer = await claimLease(status, { production: of, rule: 'A' }, loop, lastsMs);
  if (answer.kind === 'held') throw new Error(`held by ${answer.by}`);
  return answer.lease;
}

const expire = (): Promise<number> =>
  status.execute(sql`update ${sql.table(status.role, 'production_lease')} set expires_at = '2020-01-01'`);

const check = (lease: Lease): Promise<void> => status.transaction((session) => assertLease(session, lease));

test('gives a production to one loop, and says to the other who has it', async () => {
  const lease = await claim(first);
  expect(await claimLease(status, { production, rule: 'A' }, second, minute)).toEqual({
    ...{ kind: 'held', by: 'ada@alpha', process: 11 },
    leftMs: expect.any(Number),
  });
  await claim(second, { ...production, version: 2 });
  expect((await claim(first)).fence).toBe(lease.fence);
  await check(lease);
});

test('takes a production without version for the same of version 0', async () => {
  const { version: _, ...unversioned } = production;
  await claim(first, unversioned);
  await expect(claim(second, { ...production, version: 0 })).rejects.toThrow('held by ada@alpha');
});

test('gives a lease that expired to the next who asks, and stops the loop that had it at its next write', async () => {
  const old = await claim(first);
  await expire();
  const lease = await claim(second);
  expect(lease.fence).toBeGreaterThan(old.fence);
  await expect(check(old)).rejects.toMatchObject({
    code: 'lease-lost',
    message: 'The lease of this loop expired, and the loop of bob@beta has taken its production',
  });
  await check(lease);
  await expect(claim(first)).rejects.toThrow('held by bob@beta');
});

test('lets a loop keep an expired lease that no other loop has taken', async () => {
  const lease = await claim(first);
  await expire();
  await check(lease);
  expect(await ensureLeases(status, first, minute)).toBe(1);
  await expect(claim(second)).rejects.toThrow('held by ada@alpha');
});

test('cannot be taken while a transaction that relies on it is open', async () => {
  const lease = await claim(first);
  await expire();
  const order: string[] = [];
  let taking: Promise<unknown> = Promise.resolve();
  await status.transaction(async (session) => {
    await assertLease(session, lease);
    taking = claim(second).then(() => order.push('taken'));
    await waitForBlocked();
    order.push('written');
  });
  await taking;
  expect(order).toEqual(['written', 'taken']);
});

test('is free at once when it is given back, or when the rule of its loop makes another production', async () => {
  const lease = await claim(first);
  await claim(first, { ...production, version: 2 });
  await claim(second);
  await expect(check(lease)).rejects.toMatchObject({ code: 'lease-lost' });
  expect(await removeLeases(status, first, ['A'])).toBe(0);
  expect(await removeLeases(status, first, ['B'])).toBe(1);
  await claim(second, { ...production, version: 2 });
});

test('is taken by one of many who ask at once', async () => {
  const loops = Array.from({ length: 8 }, (_, index) => ({ ...first, uuid: first.uuid.replace(/^1/u, String(index)) }));
  const answers = await Promise.all(loops.map((loop) => claimLease(status, { production, rule: 'A' }, loop, minute)));
  expect(answers.filter(({ kind }) => kind === 'taken')).toHaveLength(1);
});

async function waitForBlocked(): Promise<void> {
  for (let looks = 0; looks < 500; looks += 1) {
    const [found] = await status.query(sql`select 1 as one from pg_locks where not granted limit 1`);
    if (found !== undefined) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error('No session waits for a lock');
}
