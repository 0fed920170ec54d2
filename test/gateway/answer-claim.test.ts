import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { makeGateway } from '#gateway/make-gateway.ts';

import { eventOf, makeAttempts, stageoutOf } from '../ingest/attempts.ts';
import { headersOf, makeWorld, reportRequestOf } from './gateway-world.ts';

import type { Gateway } from '#gateway/make-gateway.ts';

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

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
async function ask(submission: string, id: number | string, body: object): Promise<Answer> {
  const url = `/v1/attempts/${id}/claim`;
  const response = await gateway.app.inject({ method: 'POST', url, headers: headersOf(submission), payload: body });
  return { status: response.statusCode, body: response.json() };
}
const question = (lfn: string, more: object = {}): object => ({ start: 0, lfn, isTaken: false, ...more });

test('grants a free name, and refuses it to another product (C-W28)', async () => {
  const { submission, ids } = await makeAttempts(world.status, 2);
  const [one = 0, two = 0] = ids;
  expect(await ask(submission, one, question('A.root'))).toEqual({
    status: 200,
    body: { cupsid: one, isGranted: true },
  });
  expect(await ask(submission, one, question('A.root', { isTaken: true }))).toMatchObject({
    body: { isGranted: true },
  });
  expect(await ask(submission, two, question('A.root'))).toEqual({
    status: 200,
    body: {
      cupsid: two,
      isGranted: false,
      reason: expect.stringMatching(
        /^the name 'A\.root' belongs to the product 'DST_EVENT_auau23_new_2023p003-\d+' \(cupsid \d+\)$/u,
      ),
    },
  });
});

test('refuses an attempt that was retired, and a job whose attempt finished in another start', async () => {
  const { submission, ids } = await makeAttempts(world.status, 2);
  const [one = 0, two = 0] = ids;
  await world.status.query(sql`
    update ${sql.table(world.status.role, 'production_status')}
    set retired_at = now(), retired_by = 'tester', retired_reason = 'unblocked' where id = ${one}`);
  expect(await ask(submission, one, question('B.root'))).toEqual({
    status: 200,
    body: { cupsid: one, isGranted: false, reason: 'the attempt was retired: unblocked' },
  });
  await gateway.app.inject(reportRequestOf(submission, [eventOf(two, 1, { kind: 'finished', exitCode: 0 })]));
  expect(await ask(submission, two, question('C.root'))).toMatchObject({ body: { isGranted: true } });
  expect(await ask(submission, two, question('C.root', { start: 1 }))).toEqual({
    status: 200,
    body: { cupsid: two, isGranted: false, reason: 'the attempt finished in start 0 of its job, not in start 1' },
  });
});

test.each([
  ['a name with a directory', { start: 0, lfn: 'a/b', isTaken: false }],
  ['no name', { start: 0, isTaken: false }],
  ['no start', { lfn: 'A', isTaken: false }],
  ['a word for true', { start: 0, lfn: 'A', isTaken: 'yes' }],
])('answers 400 to %s', async (_, body) => {
  const { submission, ids } = await makeAttempts(world.status, 1);
  expect(await ask(submission, ids[0] ?? 0, body)).toMatchObject({ status: 400, body: { code: 'bad-request' } });
});

test('needs the token of the submission, and an attempt of it', async () => {
  const mine = await makeAttempts(world.status, 1);
  const other = await makeAttempts(world.status, 1);
  expect(await ask(mine.submission, other.ids[0] ?? 0, question('D.root'))).toMatchObject({ status: 403 });
  expect(await ask(mine.submission, 2_000_000_000, question('D.root'))).toMatchObject({ status: 404 });
  expect(await ask(mine.submission, 'x', question('D.root'))).toMatchObject({ status: 400 });
  const url = `/v1/attempts/${mine.ids[0] ?? 0}/claim`;
  expect((await gateway.app.inject({ method: 'POST', url, payload: question('D.root') })).statusCode).toBe(401);
  const wrong = await gateway.app.inject({ method: 'GET', url, headers: headersOf(mine.submission) });
  expect([wrong.statusCode, wrong.headers['allow']]).toEqual([405, 'POST']);
});

test('a refused stage-out is counted as quarantined in health', async () => {
  const { submission, ids } = await makeAttempts(world.status, 2);
  for (const cupsid of ids)
    await gateway.app.inject(reportRequestOf(submission, [eventOf(cupsid, 5, stageoutOf('E.root'))]));
  const health = await gateway.app.inject({ method: 'GET', url: '/health' });
  expect(health.json()).toMatchObject({
    stageouts: { pending: 0, aside: 1 },
    complaints: ["reports of 1 attempt were refused: see 'slurp refused'", 'staged files were quarantined'],
  });
});
