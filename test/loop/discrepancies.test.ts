import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, beforeEach, expect, test } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { describeDiscrepancies } from '#reports/settled/render-discrepancies.ts';

import { eventOf, stageoutOf } from '../ingest/attempts.ts';
import { silentLog } from '../util/silent-log.ts';
import { loop, useLoopWorld, world } from './loop-world.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { LoopInput } from '#loop/run-loop.ts';

useLoopWorld();
beforeAll(() => ensureEventPartitions(world.status));
beforeEach(async () => {
  for (const name of ['alarm', 'site_check']) {
    await world.status.execute(sql`delete from ${sql.table(world.status.role, name)}`);
  }
  await world.status.execute(sql`delete from ${sql.table(world.site.roles.catalog, 'datasets')}`);
});

/** Runs a cycle; returns what it says, and the causes of the open alarms after it. */
async function cycle(more: Partial<LoopInput> = {}) {
  let sentences: readonly string[] = [];
  await loop(['DST_A'], {
    ...more,
    onSettled: (_, discrepancies) => {
      sentences = describeDiscrepancies(discrepancies);
    },
  });
  return { sentences, causes: (await findAlarms(world.status)).map(({ cause }) => cause) };
}

test('a file that is gone from disk raises an alarm until it is back, and is looked for seldom (C-Q36)', async () => {
  const { site } = world;
  await cycle();
  const [attempt] = await world.status.query<{ readonly id: number; readonly dstfile: string }>(
    sql`select id, dstfile from ${sql.table(world.status.role, 'production_status')} order by run limit 1`,
  );
  const { id = 0, dstfile = '' } = attempt ?? {};
  const path = join(world.root, 'dst', `${dstfile}.root`);
  await mkdir(join(world.root, 'dst'));
  await writeFile(`${path}.lost`, 'events');
  const staged = stageoutOf(`${dstfile}.root`);
  if (staged.kind !== 'stageout') throw new Error('not a stage-out');
  const catalog = openDatabase(site.roles.catalog, { applicationName: 'test' });
  await ingestEvents({ status: world.status, catalog, log: silentLog }, [
    eventOf(id, 0, { ...staged, file: { ...staged.file, path } }),
    eventOf(id, 1, { kind: 'finished', exitCode: 0 }),
  ]);
  await catalog.close();

  // The first cycle looked on disk, less than `disk_check` ago.
  expect((await cycle()).causes).toEqual([]);
  const each = { ...site, gateway: { ...site.gateway, url: 'http://127.0.0.1:1' }, diskCheckMs: 0 };
  expect(await cycle({ site: each })).toEqual({
    sentences: [`1 file of 'DST_A' in the catalog, but gone from disk: ${dstfile}`],
    causes: ['gone:DST_A'],
  });
  expect((await cycle()).causes).toEqual(['gone:DST_A']);
  await rename(`${path}.lost`, path);
  expect((await cycle({ site: each })).causes).toEqual([]);
});

test('a mass of jobs that vanished waits for a person, and the loop goes on (C-Q36)', async () => {
  await loop(['DST_A']);
  const attempts = sql.table(world.status.role, 'production_status');
  await world.status.execute(sql`
    insert into ${attempts} (dsttype, dstname, dstfile, run, segment, inputs, prod_id, process, status, submitting, submitted,
      submission_id, rule)
    select dsttype, dstname, 'DST_MASS-' || n, n, 0, 'f', prod_id, 0, 'submitted', submitting - interval '1 hour',
      submitted - interval '1 hour', submission_id, rule
    from (select * from ${attempts} order by run limit 1) a, generate_series(1000, 1199) n`);
  expect((await cycle()).causes).toEqual(['mass:jobs']);
  const [alarm] = await findAlarms(world.status);
  expect(alarm?.what).toBe('200 of 203 open attempts seem to have vanished from the batch system at once');
  const silent: BatchBackend = {
    ...world.backend,
    findSubmissions: () => Promise.resolve({ kind: 'unknown', reason: 'no answer' }),
  };
  expect((await cycle({ backend: silent })).causes).toEqual(['mass:jobs']);
  await world.status.execute(sql`delete from ${attempts} where run >= 1000`);
  expect((await cycle()).causes).toEqual([]);
});
