import { describe, expect, it } from 'vitest';

import { makeGroupWriter } from '#ingest/group-writer.ts';
import { GatewayError } from '#model/errors.ts';

import type { GroupWriter } from '#ingest/group-writer.ts';

/** A writer whose writes wait for `release`, and which doubles numbers; 13 is poison, 99 means that the database is away. */
function makeWriter(): { writer: GroupWriter<number, number>; groups: number[][]; release: () => void } {
  const groups: number[][] = [];
  let release = (): void => undefined;
  const writer = makeGroupWriter<number, number>({
    maxItems: 4,
    maxQueued: 10,
    isPoison: (error) => error instanceof RangeError,
    refuse: () => -1,
    write: async (items) => {
      groups.push([...items]);
      if (groups.length === 1) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      if (items.includes(99)) throw new GatewayError('nobody there', { code: 'away' });
      if (items.includes(13)) throw new RangeError('poison');
      return items.map((item) => 2 * item);
    },
  });
  return { writer, groups, release: () => release() };
}

describe('a group writer', () => {
  it('joins what comes while a write is under way, and answers each its own', async () => {
    const { writer, groups, release } = makeWriter();
    const answers = [writer.write([1]), writer.write([2, 3]), writer.write([4]), writer.write([5, 6])];
    expect(writer.facts().queued).toBe(6);
    release();
    expect(await Promise.all(answers)).toEqual([[2], [4, 6], [8], [10, 12]]);
    expect(groups).toEqual([[1], [2, 3, 4], [5, 6]]);
    expect(writer.facts()).toEqual({ queued: 0, written: 6, failures: 0 });
  });

  it('refuses the poisonous item alone', async () => {
    const { writer, release } = makeWriter();
    const answers = [writer.write([1]), writer.write([2, 13]), writer.write([4])];
    release();
    expect(await Promise.all(answers)).toEqual([[2], [4, -1], [8]]);
  });

  it('reports to each request of a group that nothing was written, and continues', async () => {
    const { writer, release } = makeWriter();
    const answers = Promise.allSettled([writer.write([1]), writer.write([2, 99]), writer.write([4])]);
    release();
    expect((await answers).map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(writer.facts()).toMatchObject({ failures: 1, queued: 0 });
    expect(await writer.write([5])).toEqual([10]);
    expect(writer.facts()).toMatchObject({ failures: 0 });
  });

  it('refuses at once what would wait too long', async () => {
    const { writer, release } = makeWriter();
    const first = writer.write([1, 2, 3, 4, 5, 6, 7, 8]);
    await expect(writer.write([9, 10, 11])).rejects.toMatchObject({ code: 'gateway-busy' });
    release();
    expect(await first).toHaveLength(8);
  });

  it('finishes what it has when it is closed', async () => {
    const { writer, release } = makeWriter();
    const answers = [writer.write([1]), writer.write([2])];
    const closed = writer.close();
    await expect(writer.write([3])).rejects.toMatchObject({ code: 'gateway-closed' });
    release();
    await closed;
    expect(await Promise.all(answers)).toEqual([[2], [4]]);
  });
});
