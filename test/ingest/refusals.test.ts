import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { countRefused } from '#db/status/refused/count-refused.ts';
import { findRefused } from '#db/status/refused/find-refused.ts';
import { resolveRefused } from '#db/status/refused/resolve-refused.ts';
import { makeGateway } from '#gateway/make-gateway.ts';
import { ingestSpool } from '#ingest/ingest-spool.ts';
import { ingestSpools } from '#ingest/ingest-spools.ts';
import { findRefusedSpools, resolveRefusedSpools } from '#job/spool/refused-spools.ts';

import { makeWorld, reportRequestOf } from '../gateway/gateway-world.ts';
import { eventOf, makeAttempts, readAttempt } from './attempts.ts';

import type { Row } from '#db/database.ts';
import type { Gateway } from '#gateway/make-gateway.ts';

import type { GatewayWorld } from '../gateway/gateway-world.ts';

let world: GatewayWorld;
let gateway: Gateway;
let home: string;
let id: number;
let submission: string;

beforeAll(async () => {
  world = await makeWorld();
  home = await mkdtemp(join(tmpdir(), 'slurp-refused-'));
  gateway = makeGateway({ ...world, spoolDirectory: home });
});
afterAll(async () => {
  await gateway.app.close();
  await world.close();
  await rm(home, { recursive: true });
});
beforeEach(async () => {
  const attempts = await makeAttempts(world.status, 1);
  id = attempts.ids[0] ?? 0;
  ({ submission } = attempts);
});
afterEach(async () => {
  const open = await findRefused(world.status);
  await resolveRefused(world.status, { cupsids: open.map(({ cupsid }) => cupsid) }, 'test');
  await resolveRefusedSpools(home, await findRefusedSpools(home));
});

const tooMany = (cupsid: number): ReturnType<typeof eventOf> =>
  eventOf(cupsid, 50, { kind: 'finished', exitCode: 99_999_999_999 });
const codes = 'expected a whole number from -2147483647 to 2147483647';

async function refusalOf(cupsid: number): Promise<Row['refusal']> {
  const [row] = await world.status.query(
    sql`select refusal from ${sql.table(world.status.role, 'production_status')} where id = ${cupsid}`,
  );
  return row?.['refusal'];
}

async function health(): Promise<readonly [number, unknown]> {
  const answer = await gateway.app.inject({ method: 'GET', url: '/health' });
  return [answer.statusCode, answer.json()];
}

it('shows in the row, in the list and in health what the gateway refused, once, and moves no state (C-W29)', async () => {
  await gateway.app.inject(reportRequestOf(submission, [eventOf(id, 0, { kind: 'started', node: 'n' })]));
  const before = await readAttempt(world.status, id);
  for (let round = 0; round < 2; round += 1) {
    const answer = await gateway.app.inject(reportRequestOf(submission, [tooMany(id)]));
    expect(answer.statusCode).toBe(400);
  }
  const reason = `detail.exitCode is '99999999999': ${codes}`;
  expect(await refusalOf(id)).toBe(`finished: ${reason}`);
  expect(await findRefused(world.status)).toMatchObject([{ cupsid: id, report: 'finished', reason }]);
  expect(await readAttempt(world.status, id)).toEqual(before);
  expect(await health()).toMatchObject([
    200,
    {
      status: 'degraded',
      isServing: true,
      refused: { attempts: 1, spools: 0 },
      complaints: ["reports of 1 attempt were refused: see 'slurp refused'"],
    },
  ]);
});

it('records the good reports of a request, and remembers the bad one', async () => {
  const answer = await gateway.app.inject(
    reportRequestOf(submission, [tooMany(id), eventOf(id, 60, { kind: 'running' })]),
  );
  expect(answer.json()).toMatchObject({ results: [{ outcome: 'invalid' }, { outcome: 'new' }] });
  expect(await readAttempt(world.status, id)).toMatchObject({ status: 'running', start: 0 });
  expect(await refusalOf(id)).toContain('finished: detail.exitCode');
});

it('does not let a job write into the row of another submission', async () => {
  const other = await makeAttempts(world.status, 1);
  await gateway.app.inject(reportRequestOf(submission, [tooMany(other.ids[0] ?? 0)]));
  expect(await refusalOf(other.ids[0] ?? 0)).toBeNull();
});

it('counts live attempts, and none that was retired since', async () => {
  await gateway.app.inject(reportRequestOf(submission, [tooMany(id)]));
  expect(await countRefused(world.status)).toEqual({ refused: 1, remarked: 0 });
  await world.status.query(sql`
    update ${sql.table(world.status.role, 'production_status')} set retired_at = now() where id = ${id}`);
  expect(await countRefused(world.status)).toEqual({ refused: 0, remarked: 0 });
  expect(await health()).toMatchObject([200, { status: 'ok', complaints: [] }]);
});

it('is resolved by an operator, and stays resolved when the same report comes again', async () => {
  await gateway.app.inject(reportRequestOf(submission, [tooMany(id)]));
  expect(await resolveRefused(world.status, { cupsids: [id] }, 'resolved by me: redone')).toBe(1);
  expect(await refusalOf(id)).toBeNull();
  await gateway.app.inject(reportRequestOf(submission, [tooMany(id)]));
  expect(await refusalOf(id)).toBeNull();
  const kept = await world.status.query(sql`
    select apply_note from ${sql.table(world.status.role, 'production_event')}
    where cupsid = ${id} and kind = 'refused'`);
  expect(kept).toEqual([{ apply_note: 'resolved by me: redone' }]);
});

const line = (detail: object): string =>
  `${JSON.stringify({ v: 1, cupsid: id, start: 0, at: '2025-04-10T12:00:00.000Z', detail })}\n`;
const spool = (...lines: readonly string[]): string =>
  [`${JSON.stringify({ v: 1, source: `spool ${id}`, cupsid: id, start: 0, submission })}\n`, ...lines].join('');

it('shows what a spool held that could not be taken, until the corrected line is taken', async () => {
  const name = `spool-${id}-0.jsonl`;
  await writeFile(join(home, name), spool(line({ kind: 'running' }), line({ kind: 'nevents', nevents: 'many' })));
  expect(await ingestSpools(world, home)).toEqual({ taken: 0, refused: 1, left: 0 });
  expect(await refusalOf(id)).toBe(
    "nevents: detail.nevents is 'many': expected a whole number from -1000000000000 to 1000000000000",
  );
  expect(await health()).toMatchObject([
    200,
    {
      refused: { attempts: 1, spools: 1 },
      complaints: [
        "reports of 1 attempt were refused: see 'slurp refused'",
        "1 spool could not be read: see 'slurp refused'",
      ],
    },
  ]);
  const corrected = spool(line({ kind: 'running' }), line({ kind: 'nevents', nevents: 7 }));
  await ingestSpool(world, Buffer.from(corrected), { cupsid: id });
  expect(await refusalOf(id)).toBeNull();
  expect(await readAttempt(world.status, id)).toMatchObject({ nevents: 7 });
});

it('shows the line of a spool that is not JSON', async () => {
  await ingestSpool(world, Buffer.from(spool('garbage\n', line({ kind: 'running' }))), { cupsid: id });
  expect(await refusalOf(id)).toBe('unreadable line: is not a JSON record');
});

it('counts the spool of an attempt that is not there, which no row can show', async () => {
  await writeFile(
    join(home, 'spool-1999999-0.jsonl'),
    spool(line({ kind: 'running' })).replaceAll(`"cupsid":${id}`, '"cupsid":1999999'),
  );
  expect(await ingestSpools(world, home)).toEqual({ taken: 0, refused: 1, left: 0 });
  expect(await health()).toMatchObject([200, { status: 'degraded', refused: { attempts: 0, spools: 1 } }]);
  expect(await findRefusedSpools(home)).toMatchObject([{ cupsid: 1_999_999 }]);
});

it('shows what a job could not even report', async () => {
  const refused = eventOf(id, 10, { kind: 'refused', report: 'stageout', reason: '--dsttype is empty' });
  await gateway.app.inject(reportRequestOf(submission, [eventOf(id, 0, { kind: 'started', node: 'n' }), refused]));
  expect(await refusalOf(id)).toBe('stageout: --dsttype is empty');
  expect(await readAttempt(world.status, id)).toMatchObject({ status: 'started', start: 0 });
});
