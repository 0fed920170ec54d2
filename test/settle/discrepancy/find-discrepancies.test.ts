import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { putProductDirectories } from '#db/status/product/put-product-directories.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { renderDiscrepancies } from '#reports/settled/render-discrepancies.ts';
import { findDiscrepancies } from '#settle/discrepancy/find-discrepancies.ts';
import { putDiscrepancyAlarms } from '#settle/discrepancy/put-discrepancy-alarms.ts';

import { testDatabases } from '../../db/test-database.ts';
import { eventOf, makeAttempts, stageoutOf } from '../../ingest/attempts.ts';
import { silentLog } from '../../util/silent-log.ts';

import type { BatchBackend, BatchJobReport } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';
import type { Discrepancies } from '#model/report/discrepancies.ts';
import type { DiscrepanciesInput } from '#settle/discrepancy/find-discrepancies.ts';

import type { TestDatabase } from '../../db/test-database.ts';
import type { Attempts } from '../../ingest/attempts.ts';

let databases: TestDatabase;
let status: Database;
let catalog: Database;
let root: string;
let out: string;

beforeAll(async () => {
  databases = await testDatabases();
  status = openDatabase(databases.roles.status, { applicationName: 'test' });
  catalog = openDatabase(databases.roles.catalog, { applicationName: 'test' });
  await ensureEventPartitions(status);
});
afterAll(async () => {
  await status.close();
  await catalog.close();
  await databases.close();
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-discrepancies-'));
  out = join(root, 'out');
  await mkdir(out);
  for (const name of ['production_event', 'production_status', 'submission', 'alarm']) {
    await status.execute(sql`delete from ${sql.table(status.role, name)}`);
  }
  for (const name of ['files', 'datasets']) await catalog.execute(sql`delete from ${sql.table(catalog.role, name)}`);
});
afterEach(() => rm(root, { recursive: true }));

/** A batch system that says this of its queue. */
const batchOf = (answer: Awaited<ReturnType<BatchBackend['queryQueue']>>): BatchBackend => {
  const refuse = (): never => {
    throw new Error('nothing may be changed');
  };
  const unused = { kind: 'answer', value: [] } as const;
  return {
    name: 'local',
    can: { submitSettlesMs: 0 },
    findEnds: () => ({ canRestart: false }),
    ...{ submit: refuse, dump: refuse, hold: refuse, release: refuse, remove: refuse, removeUnmade: refuse },
    findSubmissions: () => Promise.resolve(unused),
    queryQueue: () => Promise.resolve(answer),
    queryHistory: () => Promise.resolve(unused),
  };
};
const emptyQueue = batchOf({ kind: 'answer', value: [] });

const ingest = (events: Parameters<typeof ingestEvents>[1]) =>
  ingestEvents({ status, catalog, log: silentLog }, events);
const finished: JobEventDetail = { kind: 'finished', exitCode: 0 };

function find(more: Partial<DiscrepanciesInput> = {}): Promise<Discrepancies> {
  return findDiscrepancies({ status, catalog, backend: emptyQueue, isDiskChecked: true, ...more });
}

/** `KIND: DSTFILE …` of each group. */
const namesOf = ({ groups }: Discrepancies): readonly string[] =>
  groups.map(({ kind, examples }) => `${kind}: ${examples.map(({ dstfile }) => dstfile).join(' ')}`);

const stagedAt = (directory: string, dstfile: string): JobEventDetail => {
  const staged = stageoutOf(`${dstfile}.root`);
  return staged.kind === 'stageout'
    ? { ...staged, file: { ...staged.file, path: join(directory, `${dstfile}.root`) } }
    : staged;
};

/** Attempts that finished, and whose files are in the catalog and in the directory. */
async function makeProducts(count: number, directory = out): Promise<Attempts> {
  await mkdir(directory, { recursive: true });
  const made = await makeAttempts(status, count);
  await status.execute(sql`update ${sql.table(status.role, 'production_status')} set rule = 'DST_EVENT'`);
  await ingest(
    made.ids.flatMap((id, index) => [
      eventOf(id, 0, stagedAt(directory, made.dstfiles[index] ?? '')),
      eventOf(id, 1, finished),
    ]),
  );
  for (const dstfile of made.dstfiles) await writeFile(join(directory, `${dstfile}.root`), 'events');
  return made;
}

test('names a job that still runs although its end was reported, and leaves it alone (C-Q36)', async () => {
  const { ids, dstfiles, submission } = await makeAttempts(status, 5);
  const [old = 0, later = 0, recent = 0, open = 0, foreign = 0] = ids;
  await ingest([
    ...[old, later, foreign].flatMap((id) => [
      eventOf(id, 0, { kind: 'started', node: 'n1' }),
      eventOf(id, 1, finished),
    ]),
    eventOf(recent, 0, finished, { at: new Date().toISOString() }),
    eventOf(open, 0, { kind: 'started', node: 'n1' }),
  ]);
  const job = (cupsid: number, more: Partial<BatchJobReport> = {}): BatchJobReport => ({
    ...{ uuid: submission, cluster: 7, process: ids.indexOf(cupsid), cupsid, state: 'running', starts: 1, node: 'n1' },
    ...more,
  });
  const value = [
    job(old),
    job(later, { starts: 2 }),
    job(recent),
    job(open),
    job(foreign, { uuid: '00000000-0000-4000-8000-000000000000' }),
  ];
  const found = await find({ backend: batchOf({ kind: 'answer', value }) });
  expect(found.groups.filter(({ kind }) => kind === 'still-running')).toEqual([
    {
      ...{ kind: 'still-running', rule: 'DST_EVENT_auau23', count: 1 },
      examples: [{ cupsid: old, dstfile: dstfiles[0], detail: 'finished, and job 7.0 still runs on n1' }],
    },
  ]);
});

test('a batch system that does not answer is no discrepancy, and clears no alarm', async () => {
  const { ids, submission } = await makeAttempts(status, 1);
  await ingest([eventOf(ids[0] ?? 0, 0, { kind: 'started', node: 'n1' }), eventOf(ids[0] ?? 0, 1, finished)]);
  const running: BatchJobReport = {
    ...{ uuid: submission, cluster: 7, process: 0, cupsid: ids[0] ?? 0, state: 'running', starts: 1 },
  };
  const causes = async (backend: BatchBackend) => {
    const found = await find({ backend });
    await putDiscrepancyAlarms(status, found);
    return (await findAlarms(status)).map(({ cause }) => cause).filter((cause) => cause.startsWith('still-running'));
  };
  expect(await causes(batchOf({ kind: 'answer', value: [running] }))).toEqual(['still-running:DST_EVENT_auau23']);
  const silent = batchOf({ kind: 'unknown', reason: 'the schedd does not answer' });
  expect((await find({ backend: silent })).unknown).toEqual([{ why: 'the schedd does not answer', count: 1 }]);
  expect(await causes(silent)).toEqual(['still-running:DST_EVENT_auau23']);
  expect(await causes(emptyQueue)).toEqual([]);
});

test('names finished jobs whose product is neither in the catalog nor on disk (C-Q36)', async () => {
  const made = await makeAttempts(status, 6);
  const [missing = 0, onDisk = 0, staged = 0, failed = 0, recent = 0, listed = 0] = made.ids;
  const mount = join(root, 'mount');
  const directory = join(mount, 'out');
  await mkdir(directory, { recursive: true });
  await putProductDirectories(status, made.submission, [directory]);
  await writeFile(join(directory, `${made.dstfiles[1] ?? ''}.root`), 'events');
  await ingest([
    ...[missing, onDisk, listed].map((id) => eventOf(id, 0, finished)),
    ...[eventOf(staged, 0, stageoutOf(`${made.dstfiles[2] ?? ''}.root`)), eventOf(staged, 1, finished)],
    eventOf(failed, 0, { kind: 'finished', exitCode: 1 }),
    eventOf(recent, 0, finished, { at: new Date().toISOString() }),
  ]);
  await catalog.execute(sql`
    insert into ${sql.table(catalog.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
    values (${`${made.dstfiles[5] ?? ''}.root`}, 6, 0, 1, 'new_2023p003', 'DST_EVENT_auau23', 1)`);

  expect(namesOf(await find({ isDiskChecked: false }))).toEqual([`output-missing: ${made.dstfiles[0]}`]);

  await rename(mount, `${mount}.away`);
  await mkdir(mount);
  const away = await find({ isDiskChecked: false });
  expect(namesOf(away)).toEqual([]);
  expect(away.unknown).toEqual([
    { why: `'${directory}': '${mount}' is empty: its file system may not be mounted`, count: 2 },
  ]);
  expect(away.uncertain).toEqual([{ kind: 'output-missing', rule: 'DST_EVENT_auau23' }]);
});

test('names failed jobs whose product is in the catalog, without an alarm (C-Q36)', async () => {
  const made = await makeAttempts(status, 2);
  const [registered = 0, other = 0] = made.ids;
  await ingest([
    eventOf(registered, 0, stageoutOf(`${made.dstfiles[0] ?? ''}.root`)),
    eventOf(registered, 1, { kind: 'finished', exitCode: 1 }),
    eventOf(other, 0, { kind: 'finished', exitCode: 1 }),
  ]);
  const found = await find({ isDiskChecked: false });
  expect(namesOf(found)).toEqual([`output-of-failed: ${made.dstfiles[0]}`]);
  await putDiscrepancyAlarms(status, found);
  expect(await findAlarms(status)).toEqual([]);
});

test('names files of the catalog that are gone from disk, and says when they are back (C-Q36)', async () => {
  const made = await makeProducts(3);
  const links = await makeProducts(1, join(root, 'links'));
  const path = join(out, `${made.dstfiles[1] ?? ''}.root`);
  const linked = join(root, 'links', `${links.dstfiles[0] ?? ''}.root`);
  await rename(linked, join(root, 'elsewhere'));
  await symlink(join(root, 'elsewhere'), linked);
  expect((await find()).groups).toEqual([]);

  await rename(path, `${path}.lost`);
  const found = await find();
  expect(found).toMatchObject({
    groups: [
      {
        ...{ kind: 'file-gone', rule: 'DST_EVENT', count: 1 },
        examples: [{ cupsid: made.ids[1], dstfile: made.dstfiles[1], detail: `'${path}' is gone` }],
      },
    ],
    ...{ unknown: [], disbelieved: [], uncertain: [] },
  });
  expect(renderDiscrepancies(found, 80)).toBe(
    [
      '',
      "1 file of 'DST_EVENT' in the catalog, but gone from disk:",
      `  ${made.dstfiles[1]} (cupsid ${made.ids[1]})`,
      `    '${path}' is gone`,
      "  Restore the file, or 'ramenya remove' the product to make it again",
      '',
    ].join('\n'),
  );
  await putDiscrepancyAlarms(status, found);
  expect(await findAlarms(status)).toMatchObject([
    {
      cause: 'gone:DST_EVENT',
      what: `1 file of 'DST_EVENT' in the catalog is gone from disk, e.g. '${made.dstfiles[1]}'`,
    },
  ]);
  // What was not looked for is not over.
  await putDiscrepancyAlarms(status, await find({ isDiskChecked: false }));
  expect(await findAlarms(status)).toHaveLength(1);

  await rename(`${path}.lost`, path);
  await putDiscrepancyAlarms(status, await find());
  expect(await findAlarms(status)).toEqual([]);
});

test('a directory that does not exist or cannot be listed is unknown, and its files are not gone', async () => {
  await makeProducts(2);
  await makeProducts(1, join(root, 'other'));
  await rename(out, `${out}.away`);
  const gone = await find();
  expect(gone.groups).toEqual([]);
  expect(gone.unknown).toEqual([{ why: `'${out}': cannot be listed (ENOENT)`, count: 2 }]);
  await writeFile(out, 'a file');
  const file = await find();
  expect(file.groups).toEqual([]);
  expect(file.unknown).toEqual([{ why: `'${out}': cannot be listed (ENOTDIR)`, count: 2 }]);
});

test('files of productions that are over, or of retired attempts, are not looked for', async () => {
  await makeProducts(1);
  await rm(out, { recursive: true });
  await mkdir(out);
  expect((await find()).groups).toHaveLength(1);
  const attempts = sql.table(status.role, 'production_status');
  await status.execute(sql`update ${attempts} set retired_at = now(), retired_reason = 'replaced'`);
  expect((await find()).groups).toEqual([]);
  await status.execute(sql`update ${attempts} set retired_at = null, retired_reason = null`);
  await status.execute(
    sql`update ${sql.table(status.role, 'submission')} set reserved_at = now() - interval '31 days'`,
  );
  expect((await find()).groups).toEqual([]);
});

test('most files of a directory gone at once are not believed until a person confirms it', async () => {
  await makeProducts(120);
  await makeProducts(200, join(root, 'other'));
  const mounted = join(root, 'mounted');
  await rename(out, mounted);
  await mkdir(out);
  const found = await find();
  expect(found.groups).toEqual([]);
  expect(found.disbelieved).toEqual([{ where: out, gone: 120, looked: 120 }]);
  await putDiscrepancyAlarms(status, found);
  expect(await findAlarms(status)).toMatchObject([
    {
      cause: 'mass:files',
      what: `120 of 120 files of '${out}' seem to be gone from disk at once`,
      advice:
        "Is a file system not mounted? Nothing was recorded; if the files are really gone: 'slurp reconcile --yes'",
    },
  ]);
  expect(await find({ isMassAllowed: true })).toMatchObject({
    groups: [{ kind: 'file-gone', count: 120 }],
    disbelieved: [],
  });

  await rm(out, { recursive: true });
  await rename(mounted, out);
  await putDiscrepancyAlarms(status, await find());
  expect(await findAlarms(status)).toEqual([]);
});
