import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { countSigns } from '#db/status/sign/count-signs.ts';
import { findSigns } from '#db/status/sign/find-signs.ts';
import { removeOldSigns } from '#db/status/sign/remove-old-signs.ts';
import { makeGateway } from '#gateway/make-gateway.ts';

import { eventOf, makeAttempts } from '../ingest/attempts.ts';
import { headersOf, makeWorld, reportRequestOf } from './gateway-world.ts';

import type { Gateway } from '#gateway/make-gateway.ts';
import type { SignOfLife } from '#model/job/sign-of-life.ts';

import type { GatewayWorld } from './gateway-world.ts';

let world: GatewayWorld;
let gateway: Gateway;

beforeAll(async () => {
  world = await makeWorld();
  gateway = makeGateway(world);
});
afterAll(async () => {
  await gateway.app.close();
  await world.close();
});

const signOf = (cupsid: number, sequence: number, more: Partial<SignOfLife> = {}): SignOfLife => ({
  ...{ cupsid, sequence, start: 0, at: '2025-04-10T12:00:00.000Z', events: sequence * 100 },
  ...more,
});

async function send(submission: string, signs: readonly unknown[]): Promise<{ status: number; body: unknown }> {
  const headers = headersOf(submission);
  const response = await gateway.app.inject({ method: 'POST', url: '/v1/signs', headers, payload: { signs } });
  return { status: response.statusCode, body: response.json() };
}

const outcomes = (...reported: readonly (readonly [number, string])[]): object => ({
  status: 200,
  body: { results: reported.map(([cupsid, outcome]) => ({ cupsid, outcome })) },
});

async function latestOf(cupsid: number): Promise<object | undefined> {
  return (await findSigns(world.status, [cupsid]))[0];
}

describe('signs of life', () => {
  it('keep what the job says of itself, and how long ago that was', async () => {
    const { submission, ids } = await makeAttempts(world.status, 1);
    const [id = 0] = ids;
    const more = { memoryBytes: 1_800_000_000, diskBytes: 12_000_000_000, colour: 'red' };
    expect(await send(submission, [signOf(id, 3, more)])).toEqual(outcomes([id, 'recorded']));
    expect(await latestOf(id)).toEqual({
      ...{ cupsid: id, start: 0, sequence: 3, events: 300, memoryBytes: 1_800_000_000, diskBytes: 12_000_000_000 },
      ...{ receivedAt: expect.any(Date), secondsAgo: expect.any(Number) },
    });
    expect(await send(submission, [{ cupsid: id, start: 0, sequence: 4, at: '2025-04-10T12:05:00.000Z' }])).toEqual(
      outcomes([id, 'recorded']),
    );
    expect(await latestOf(id)).toMatchObject({ sequence: 4, events: null, memoryBytes: null, diskBytes: null });
  });

  it('are not events: they change nothing of the attempt', async () => {
    const { submission, ids } = await makeAttempts(world.status, 1);
    const [id = 0] = ids;
    const read = () =>
      world.status.query(sql`select * from ${sql.table(world.status.role, 'production_status')} where id = ${id}`);
    const before = await read();
    await send(submission, [signOf(id, 1)]);
    expect(await read()).toEqual(before);
    expect(
      await world.status.query(
        sql`select from ${sql.table(world.status.role, 'production_event')} where cupsid = ${id}`,
      ),
    ).toEqual([]);
  });

  it.each<[string, readonly Partial<SignOfLife>[], Partial<SignOfLife>]>([
    [
      'an earlier one of the same start',
      [{ sequence: 8 }, { sequence: 7, at: '2025-04-11T12:00:00.000Z' }],
      { sequence: 8 },
    ],
    [
      'one of an earlier start',
      [
        { start: 2, sequence: 1 },
        { start: 1, sequence: 9 },
      ],
      { start: 2, sequence: 1 },
    ],
    [
      'the same again',
      [
        { sequence: 5, events: 1 },
        { sequence: 5, events: 2 },
      ],
      { sequence: 5, events: 1 },
    ],
  ])('stay, whatever the clocks say, where the later one to arrive is %s', async (_, reported, kept) => {
    const { submission, ids } = await makeAttempts(world.status, 1);
    const [id = 0] = ids;
    const [first, second] = reported.map((more) => signOf(id, 0, more));
    expect(await send(submission, [first])).toEqual(outcomes([id, 'recorded']));
    expect(await send(submission, [second])).toEqual(outcomes([id, 'ignored']));
    expect(await latestOf(id)).toMatchObject(kept);
  });

  it('of one request count like those of several, in whatever order they stand', async () => {
    const { submission, ids } = await makeAttempts(world.status, 2);
    const [one = 0, two = 0] = ids;
    const signs = [signOf(two, 1), signOf(one, 2), signOf(one, 3, { start: 1 }), signOf(two, 4), signOf(one, 9)];
    expect(await send(submission, signs)).toEqual(
      outcomes([two, 'ignored'], [one, 'ignored'], [one, 'recorded'], [two, 'recorded'], [one, 'ignored']),
    );
    expect([await latestOf(one), await latestOf(two)]).toMatchObject([{ start: 1, sequence: 3 }, { sequence: 4 }]);
  });

  it('stay the newest where many requests come at once, in any order', async () => {
    const { submission, ids } = await makeAttempts(world.status, 5);
    const requests = Array.from({ length: 100 }, (_, index) => ids.map((id) => signOf(id, (index * 37) % 100)));
    await Promise.all(requests.map((signs) => send(submission, signs)));
    for (const id of ids) expect(await latestOf(id)).toMatchObject({ sequence: 99, events: 9900 });
  });

  it('are ignored once the attempt has ended, and of an earlier start than it knows; what is left is removed', async () => {
    const { submission, ids } = await makeAttempts(world.status, 2);
    const [ended = 0, again = 0] = ids;
    await send(submission, [signOf(ended, 1), signOf(again, 1)]);
    await gateway.app.inject(
      reportRequestOf(submission, [
        eventOf(ended, 1, { kind: 'finished', exitCode: 0 }),
        eventOf(again, 1, { kind: 'started', node: 'node2' }, { start: 1 }),
      ]),
    );
    expect(await send(submission, [signOf(ended, 2), signOf(again, 2)])).toEqual(
      outcomes([ended, 'ignored'], [again, 'ignored']),
    );
    expect(await findSigns(world.status, ids)).toEqual([]);
    expect(await send(submission, [signOf(again, 0, { start: 1 })])).toEqual(outcomes([again, 'recorded']));
    await removeOldSigns(world.status);
    const table = sql.table(world.status.role, 'sign_of_life');
    const left = await world.status.query(sql`select cupsid from ${table} where cupsid = any (${ids}::int[])`);
    expect(left).toEqual([{ cupsid: again }]);
  });

  it('are counted over live attempts that have not ended, with the newest and the oldest', async () => {
    const table = sql.table(world.status.role, 'sign_of_life');
    await world.status.execute(sql`delete from ${table}`);
    expect(await countSigns(world.status)).toBeUndefined();
    const { submission, ids } = await makeAttempts(world.status, 3);
    await send(
      submission,
      ids.map((id) => signOf(id, 1)),
    );
    const [one = 0, , three = 0] = ids;
    await world.status.execute(sql`
      update ${table} set received_at = now() at time zone 'utc' - interval '1 hour' where cupsid = ${one}`);
    await world.status.execute(sql`
      update ${sql.table(world.status.role, 'production_status')} set retired_at = now() where id = ${three}`);
    expect(await countSigns(world.status)).toEqual({
      attempts: 2,
      newestSeconds: expect.any(Number),
      oldestSeconds: expect.closeTo(3600, -2),
    });
  });
});

describe('what the gateway refuses of signs', () => {
  it('is what is invalid, unknown or of another submission, one by one', async () => {
    const { submission, ids } = await makeAttempts(world.status, 1);
    const other = await makeAttempts(world.status, 1);
    const [id = 0] = ids;
    const [foreign = 0] = other.ids;
    const reported = [signOf(id, 1), signOf(2_000_000_000, 1), signOf(foreign, 1), signOf(id, 2, { start: -1 })];
    expect(await send(submission, reported)).toEqual({
      status: 200,
      body: {
        results: [
          { cupsid: id, outcome: 'recorded' },
          { cupsid: 2_000_000_000, outcome: 'unknown-attempt' },
          { cupsid: foreign, outcome: 'forbidden' },
          { cupsid: 0, outcome: 'invalid', reason: "start is '-1': expected a whole number from 0 to 1000000" },
        ],
      },
    });
    expect(await latestOf(foreign)).toBeUndefined();
  });

  it.each<[string, number, string, (id: number) => unknown]>([
    ['no list', 400, 'bad-request', () => ({ events: [] })],
    ['nothing valid', 400, 'invalid-signs', (id) => ({ signs: [{ ...signOf(id, 1), at: 'noon' }, 7] })],
    ['too many', 413, 'too-many-signs', (id) => ({ signs: Array.from({ length: 1001 }, () => signOf(id, 1)) })],
  ])('is a request with %s', async (_, status, code, bodyOf) => {
    const { submission, ids } = await makeAttempts(world.status, 1);
    const answer = await gateway.app.inject({
      ...{ method: 'POST', url: '/v1/signs', headers: headersOf(submission) },
      payload: Object(bodyOf(ids[0] ?? 0)),
    });
    expect(answer.json()).toMatchObject({ status, code });
  });

  it('is a request without the token of the submission, or with signs of others alone', async () => {
    const { submission } = await makeAttempts(world.status, 1);
    const other = await makeAttempts(world.status, 1);
    const signs = other.ids.map((id) => signOf(id, 1));
    expect(await send(submission, signs)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const headers = { ...headersOf(submission), authorization: `Bearer ${'0'.repeat(64)}` };
    const answer = await gateway.app.inject({ method: 'POST', url: '/v1/signs', headers, payload: { signs } });
    expect(answer.json()).toMatchObject({ status: 401, code: 'unauthorized' });
  });
});
