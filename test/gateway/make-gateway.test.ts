import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { raiseAlarm } from '#db/status/alarm/alarms.ts';
import { resolveRefused } from '#db/status/refused/resolve-refused.ts';
import { makeGateway } from '#gateway/make-gateway.ts';

import { eventOf, makeAttempts, readAttempt, stageoutOf } from '../ingest/attempts.ts';
import { headersOf, makeWorld, reportRequestOf, testKey } from './gateway-world.ts';

import type { FastifyInstance } from 'fastify';

import type { JobEvent } from '#model/job/job-event.ts';
import type { Log, LogFacts } from '#model/log.ts';

import type { Attempts } from '../ingest/attempts.ts';
import type { GatewayWorld } from './gateway-world.ts';

let world: GatewayWorld;
let app: FastifyInstance;
let attempts: Attempts;
let id: number;

beforeAll(async () => {
  world = await makeWorld();
  ({ app } = makeGateway(world));
  attempts = await makeAttempts(world.status, 3);
  id = attempts.ids[0] ?? 0;
});
afterAll(async () => {
  await app.close();
  await world.close();
});

describe('POST /v1/events', () => {
  it('records events and answers each of them', async () => {
    const { submission } = attempts;
    const answer = await app.inject(
      reportRequestOf(submission, [
        eventOf(id, 1, { kind: 'started', node: 'n1' }),
        eventOf(id, 2, stageoutOf('DST_A.root')),
        eventOf(id, 2, stageoutOf('DST_A.root')),
        eventOf(2_000_000, 3, { kind: 'running' }),
      ]),
    );
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      results: [
        { cupsid: id, source: 'spool', sequence: 1, outcome: 'new' },
        { cupsid: id, source: 'spool', sequence: 2, outcome: 'new' },
        { cupsid: id, source: 'spool', sequence: 2, outcome: 'duplicate' },
        { cupsid: 2_000_000, source: 'spool', sequence: 3, outcome: 'unknown-attempt' },
      ],
      verdicts: [{ cupsid: id, go: true }],
      registered: [
        { cupsid: id, source: 'spool', sequence: 2, isRegistered: true },
        { cupsid: id, source: 'spool', sequence: 2, isRegistered: true },
      ],
    });
  });

  it('C-E16: compares the clocks when a report is sent, and dates it by its own', async () => {
    const dayMs = 24 * 3_600_000;
    const off = attempts.ids[1] ?? 0;
    const at = new Date(Date.now() - dayMs - 10_000).toISOString();
    const request = reportRequestOf(attempts.submission, [eventOf(off, 1, { kind: 'started', node: 'n' }, { at })]);
    const now = new Date(Date.now() - dayMs).toISOString();
    await app.inject({ ...request, headers: { ...request.headers, 'x-slurp-now': now } });
    const [row] = await world.status.query<{ started: Date }>(
      sql`select started from ${sql.table(world.status.role, 'production_status')} where id = ${off}`,
    );
    const agoMs = Date.now() - (row?.started.getTime() ?? 0);
    expect(agoMs).toBeGreaterThanOrEqual(9000);
    expect(agoMs).toBeLessThan(dayMs / 2);
  });

  it('answers a job whose attempt is retired that it must stop', async () => {
    const retired = attempts.ids[2] ?? 0;
    await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')}
      set retired_at = now(), retired_reason = 'redone' where id = ${retired}`);
    const answer = await app.inject(
      reportRequestOf(attempts.submission, [eventOf(retired, 1, { kind: 'started', node: 'n' })]),
    );
    expect(answer.json()).toMatchObject({ verdicts: [{ cupsid: retired, go: false, reason: 'retired: redone' }] });
  });

  it('records the good events beside a bad one', async () => {
    const good = eventOf(id, 20, { kind: 'nevents', nevents: 5 });
    const request = reportRequestOf(attempts.submission, [good]);
    const payload = { events: [good, { ...good, sequence: 'x' }, eventOf(id, 21, { kind: 'running' })] };
    const answer = await app.inject({ ...request, payload });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      results: [
        { outcome: 'new' },
        {
          cupsid: id,
          source: 'spool',
          sequence: -1,
          outcome: 'invalid',
          reason: "sequence is 'x': expected a whole number of 0 or more",
        },
        { outcome: 'new' },
      ],
    });
  });

  it('refuses a request in which nothing is valid, with all complaints', async () => {
    const payload = { events: [{}, 7] };
    const answer = await app.inject({ ...reportRequestOf(attempts.submission, []), payload });
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({
      code: 'invalid-events',
      complaints: [
        { path: 'events.0.cupsid' },
        { path: 'events.0.source' },
        { path: 'events.0.sequence' },
        { path: 'events.0.start' },
        { path: 'events.0.at' },
        { path: 'events.0.detail' },
        { path: 'events.1' },
      ],
    });
  });

  it('does not let jobs of one submission report for another', async () => {
    const other = await makeAttempts(world.status, 1);
    const foreign = other.ids[0] ?? 0;
    const stolen = eventOf(foreign, 1, { kind: 'finished', exitCode: 0 });
    const mixed = await app.inject(
      reportRequestOf(attempts.submission, [eventOf(id, 30, { kind: 'running' }), stolen]),
    );
    expect(mixed.json()).toMatchObject({ results: [{ outcome: 'new' }, { outcome: 'forbidden' }] });
    const alone = await app.inject(reportRequestOf(attempts.submission, [stolen]));
    expect(alone.statusCode).toBe(403);
    expect(alone.json()).toMatchObject({ code: 'forbidden', results: [{ outcome: 'forbidden' }] });
    expect(await readAttempt(world.status, foreign)).toMatchObject({ status: 'submitted' });
  });

  it.each<[string, JobEvent]>([
    ['the batch system', eventOf(1, 0, { kind: 'finished' }, { source: 'batch:0' })],
    ['an operator', eventOf(1, 0, { kind: 'running' }, { source: 'operator:me' })],
    ['SLURP', eventOf(1, 0, { kind: 'message', text: 'x' }, { source: 'refused:spool' })],
    ['the batch system by its kind', eventOf(1, 0, { kind: 'removed', reason: 'x' })],
    ['the batch system by its start', eventOf(1, 0, { kind: 'running' }, { start: -1 })],
  ])('refuses what a job says as if it were %s (C-E18)', async (_who, event) => {
    const before = await readAttempt(world.status, id);
    const answer = await app.inject(reportRequestOf(attempts.submission, [{ ...event, cupsid: id, sequence: 900 }]));
    expect(answer.json()).toMatchObject({ code: 'invalid-events', results: [{ outcome: 'invalid' }] });
    expect(await readAttempt(world.status, id)).toMatchObject({ status: before?.['status'] });
  });

  it('logs refusals that no row can show', async () => {
    const warned: LogFacts[] = [];
    const log: Log = { ...world.log, warn: (facts) => void warned.push(facts) };
    const { app: logging } = makeGateway({ ...world, log });
    const { submission } = attempts;
    await logging.inject(reportRequestOf(submission, [eventOf(2_000_000, 1, { kind: 'running' })]));
    await logging.close();
    expect(warned).toEqual([{ cupsid: 2_000_000, outcome: 'unknown-attempt', submission }]);
  });

  it('takes an empty list', async () => {
    const answer = await app.inject(reportRequestOf(attempts.submission, []));
    expect([answer.statusCode, answer.json()]).toEqual([200, { results: [], verdicts: [], registered: [] }]);
  });
});

describe('what the gateway refuses', () => {
  const good = (): Record<string, string> => headersOf(attempts.submission);
  const problem = (status: number, code: string): object => ({ status, code, type: 'about:blank' });

  it.each<[string, Record<string, string>]>([
    ['no headers', {}],
    ['no token', { 'x-slurp-submission': '0b6b7c1e-3f4e-4a8b-9d3c-0123456789ab' }],
    [
      'a wrong token',
      { ...headersOf('0b6b7c1e-3f4e-4a8b-9d3c-0123456789ab'), authorization: `Bearer ${'0'.repeat(64)}` },
    ],
    [
      "another submission's token",
      {
        ...headersOf('0b6b7c1e-3f4e-4a8b-9d3c-0123456789ab'),
        'x-slurp-submission': '1b6b7c1e-3f4e-4a8b-9d3c-0123456789ab',
      },
    ],
    ['a submission that is not a uuid', { ...headersOf('x'), 'x-slurp-submission': "x' or true" }],
  ])('answers 401 to %s', async (_, headers) => {
    for (const [method, url] of [
      ['POST', '/v1/events'],
      ['GET', `/v1/attempts/${id}/inputs`],
    ] as const) {
      const answer = await app.inject({
        method,
        url,
        headers,
        ...(method === 'POST' ? { payload: { events: [] } } : {}),
      });
      expect(answer.json()).toMatchObject(problem(401, 'unauthorized'));
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('checks each token, also where the right one of the submission was sent before', async () => {
    const send = (headers: Record<string, string>): Promise<number> =>
      app
        .inject({ method: 'POST', url: '/v1/events', headers, payload: { events: [] } })
        .then(({ statusCode }) => statusCode);
    const wrong = { ...good(), authorization: `Bearer ${'0'.repeat(64)}` };
    expect([await send(wrong), await send(good()), await send(wrong), await send(good())]).toEqual([
      401, 200, 401, 200,
    ]);
  });

  it('answers 413 to a body that is too large, and to too many events', async () => {
    const events = [eventOf(id, 1, { kind: 'message', text: 'x'.repeat(1024 * 1024) })];
    const large = await app.inject(reportRequestOf(attempts.submission, events));
    expect(large.json()).toMatchObject(problem(413, 'too-large'));
    const many = Array.from({ length: 1001 }, (_, index) => eventOf(id, index, { kind: 'running' }));
    const answer = await app.inject(reportRequestOf(attempts.submission, many));
    expect(answer.json()).toMatchObject(problem(413, 'too-many-events'));
  });

  it.each<[string, number, string, { body: string; type: string }]>([
    ['text', 415, 'not-json', { body: '{}', type: 'text/plain' }],
    ['a form', 415, 'not-json', { body: 'a=b', type: 'application/x-www-form-urlencoded' }],
    ['half a JSON', 400, 'bad-request', { body: '{"events":[', type: 'application/json' }],
    ['nothing', 400, 'bad-request', { body: '', type: 'application/json' }],
    ['a list', 400, 'bad-request', { body: '[]', type: 'application/json' }],
    ['a prototype', 400, 'bad-request', { body: '{"__proto__":{"events":[]}}', type: 'application/json' }],
  ])('answers to %s with %d', async (_, status, code, { body, type }) => {
    const headers = { ...good(), 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: '/v1/events', headers, payload: body });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject(problem(status, code));
  });

  it('answers 404 and 405 as problems too', async () => {
    const nothing = await app.inject({ method: 'GET', url: '/admin' });
    expect(nothing.json()).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: 'No resource at this address',
      code: 'not-found',
    });
    const wrong = await app.inject({ method: 'DELETE', url: '/v1/events?x=1' });
    expect(wrong.json()).toMatchObject(problem(405, 'wrong-method'));
    expect(wrong.headers['allow']).toBe('POST');
  });
});

describe('GET /v1/attempts/:id/inputs', () => {
  const ask = async (url: string, submission = attempts.submission): Promise<[number, unknown]> => {
    const answer = await app.inject({ method: 'GET', url, headers: headersOf(submission) });
    return [answer.statusCode, answer.json()];
  };

  it('answers with the inputs as they were dispatched', async () => {
    const [second] = attempts.ids.slice(1);
    expect(await ask(`/v1/attempts/${second}/inputs`)).toEqual([
      200,
      { cupsid: second, inputs: ['/raw/a.prdf', '/raw/b.prdf'], ranges: ['a:0:9', 'b:0:9'] },
    ]);
  });

  it('answers a start with what it reported itself, and another start with what was dispatched', async () => {
    await app.inject(
      reportRequestOf(attempts.submission, [eventOf(id, 40, { kind: 'inputs', files: ['x', 'y', 'z'] })]),
    );
    expect(await ask(`/v1/attempts/${id}/inputs`)).toMatchObject([200, { inputs: ['x', 'y', 'z'] }]);
    expect(await ask(`/v1/attempts/${id}/inputs?start=0`)).toMatchObject([200, { inputs: ['x', 'y', 'z'] }]);
    expect(await ask(`/v1/attempts/${id}/inputs?start=1`)).toMatchObject([
      200,
      { inputs: ['/raw/a.prdf', '/raw/b.prdf'] },
    ]);
  });

  it('refuses what does not exist, is not theirs, or is not a number', async () => {
    const other = await makeAttempts(world.status, 1);
    expect(await ask('/v1/attempts/2000000/inputs')).toMatchObject([404, { code: 'unknown-attempt' }]);
    expect(await ask(`/v1/attempts/${other.ids[0]}/inputs`)).toMatchObject([403, { code: 'forbidden' }]);
    expect(await ask('/v1/attempts/1;drop/inputs')).toMatchObject([400, { code: 'bad-request' }]);
    expect(await ask('/v1/attempts/99999999999/inputs')).toMatchObject([400, { code: 'bad-request' }]);
    expect(await ask(`/v1/attempts/${id}/inputs?start=1&start=2`)).toMatchObject([400, { code: 'bad-request' }]);
  });
});

describe('GET /health', () => {
  it('reports facts without a token', async () => {
    // Tests above sent reports that make no sense.
    await resolveRefused(world.status, { cupsids: attempts.ids }, 'test');
    const answer = await app.inject({ method: 'GET', url: '/health' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      database: { isReachable: true },
      events: { queued: 0, failures: 0 },
      stageouts: { pending: 0 },
      ...{ alarms: [], passes: [], complaints: [] },
    });
  });

  it('is degraded while alarms are open, and has the age of the last pass of each rule (C-Q38)', async () => {
    const { status } = world;
    await status.execute(sql`
      insert into ${sql.table(status.role, 'production_lease')} (holder, held_by, process, rule, dsttype, build, tag, version, expires_at)
      select gen_random_uuid(), 'a@b', 1, rule, rule, 'new', 'x', 1, now() from unnest(array['DST_B', 'DST_A']) rule`);
    await status.execute(sql`
      insert into ${sql.table(status.role, 'production_pass')} (holder, held_by, rule, config, started_at, ended_at, outcome, runs)
      select gen_random_uuid(), 'a@b', 'DST_A', '/r.yaml', at, at, outcome, runs
      from (values ('unchanged', 7, null::int), ('dispatched', 3, 2), ('elsewhere', 1, null)) v (outcome, minutes, runs),
           lateral (select now() at time zone 'utc' - make_interval(mins => minutes)) t (at)`);
    await raiseAlarm(status, { cause: 'disk:DST_A', what: 'full', advice: 'make room' });
    const answer = await app.inject({ method: 'GET', url: '/health' });
    expect(answer.statusCode).toBe(200);
    const { passes, ...health } = answer.json();
    expect(health).toMatchObject({
      status: 'degraded',
      isServing: true,
      alarms: [{ cause: 'disk:DST_A' }],
      complaints: [],
    });
    expect(passes).toMatchObject([
      { rule: 'DST_B', seconds: null, outcome: null },
      { rule: 'DST_A', outcome: 'unchanged' },
    ]);
    expect(Math.round(passes[1].seconds / 60)).toBe(7);
  });
});

describe('without its database', () => {
  it('answers 503 and Retry-After, never 200, and no secret reaches the log', async () => {
    const lines: string[] = [];
    const write = (facts: LogFacts, text: string): void => {
      lines.push(`${JSON.stringify(facts)} ${text} ${String(facts['error'])}`);
    };
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const url = 'postgresql:///nowhere?host=/nonexistent&user=slurp&password=hush';
    const status = openDatabase(
      { role: 'status', schema: 'status', url },
      { applicationName: 'test', connectAttempts: 1 },
    );
    const gateway = makeGateway({ ...world, status, log });
    const request = reportRequestOf(attempts.submission, [eventOf(id, 1, { kind: 'running' })]);
    const answer = await gateway.app.inject(request);
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.json()).toMatchObject({ code: 'database-away' });
    const inputs = await gateway.app.inject({
      method: 'GET',
      url: `/v1/attempts/${id}/inputs`,
      headers: headersOf(attempts.submission),
    });
    expect(inputs.statusCode).toBe(503);
    await gateway.app.inject({ ...request, headers: { ...request.headers, authorization: 'Bearer nonsense' } });
    const health = await gateway.app.inject({ method: 'GET', url: '/health' });
    expect(health.statusCode).toBe(503);
    expect(health.json()).toMatchObject({
      status: 'degraded',
      complaints: ['the status database does not answer', 'the last events could not be written'],
    });
    await gateway.app.close();
    await status.close();
    const log_ = lines.join('\n');
    expect(log_).toContain('request failed');
    for (const secret of [
      headersOf(attempts.submission)['authorization']?.slice(7) ?? '',
      'hush',
      testKey.export().toString('hex'),
    ]) {
      expect(log_).not.toContain(secret);
    }
  });
});
