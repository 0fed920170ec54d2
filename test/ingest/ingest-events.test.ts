import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { countUnapplied } from '#db/status/count-unapplied.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { makeStageoutApplier } from '#ingest/stageout-applier.ts';
import { waitUntil } from '#util/wait-until.ts';

import { testDatabases } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';
import { eventOf, makeAttempts, readAttempt, stageoutOf } from './attempts.ts';

import type { Database, Row } from '#db/database.ts';

import type { TestDatabase } from '../db/test-database.ts';

let databases: TestDatabase;
let status: Database;
let catalog: Database;

beforeAll(async () => {
  databases = await testDatabases();
  status = openDatabase(databases.roles.status, { applicationName: 'test', max: 8 });
  catalog = openDatabase(databases.roles.catalog, { applicationName: 'test', connectAttempts: 1 });
});
afterAll(async () => {
  await status.close();
  await catalog.close();
  await databases.close();
});
afterEach(async () => {
  await catalog.execute(sql`truncate ${sql.table(catalog.role, 'files')}, ${sql.table(catalog.role, 'datasets')}`);
});

const resources = (): { status: Database; catalog: Database; log: typeof silentLog } => ({
  status,
  catalog,
  log: silentLog,
});

async function newAttempt(): Promise<number> {
  const { ids } = await makeAttempts(status, 1);
  return ids[0] ?? 0;
}

function readCatalog(lfn: string): Promise<readonly Row[]> {
  return catalog.query(sql`
    select f.full_host_name, f.full_file_path, f.size as file_size, f.md5, d.runnumber, d.segment, d.size, d.dataset,
           d.dsttype, d.events
    from ${sql.table(catalog.role, 'files')} f join ${sql.table(catalog.role, 'datasets')} d on d.filename = f.lfn
    where f.lfn = ${lfn}`);
}

describe('ingestEvents', () => {
  it('registers a staged file once its event is committed, and answers that', async () => {
    const id = await newAttempt();
    const reply = await ingestEvents(resources(), [eventOf(id, 3, stageoutOf('DST_A.root'))]);
    expect(reply).toEqual({
      results: [{ cupsid: id, source: 'spool', sequence: 3, outcome: 'new' }],
      verdicts: [],
      registered: [{ cupsid: id, source: 'spool', sequence: 3, isRegistered: true }],
    });
    expect(await readCatalog('DST_A.root')).toEqual([
      {
        full_host_name: 'lustre',
        full_file_path: '/lustre/dst/DST_A.root',
        file_size: 1000,
        md5: '0123456789abcdef0123456789abcdef',
        runnumber: 22026,
        segment: 0,
        size: 1000,
        dataset: 'new_2023p003',
        dsttype: 'DST_EVENT_auau23',
        events: 100,
      },
    ]);
  });

  it('says of a repeated stageout that it is registered, and writes nothing again', async () => {
    const id = await newAttempt();
    const event = eventOf(id, 3, stageoutOf('DST_B.root'));
    await ingestEvents(resources(), [event]);
    await catalog.execute(sql`truncate ${sql.table(catalog.role, 'files')}`);
    const reply = await ingestEvents(resources(), [event]);
    expect(reply.results).toMatchObject([{ outcome: 'duplicate' }]);
    expect(reply.registered).toMatchObject([{ isRegistered: true }]);
    expect(await readCatalog('DST_B.root')).toEqual([]);
  });

  it('counts the last stageout of a file, in whatever order they arrive (C-E12)', async () => {
    const id = await newAttempt();
    await ingestEvents(resources(), [eventOf(id, 9, stageoutOf('DST_C.root', { events: 2 }))]);
    await ingestEvents(resources(), [eventOf(id, 5, stageoutOf('DST_C.root', { events: 1 }))]);
    expect(await readCatalog('DST_C.root')).toMatchObject([{ events: 2 }]);
    const other = await newAttempt();
    const both = [1, 2].map((n) => eventOf(other, n, stageoutOf('DST_D.root', { events: n })));
    await ingestEvents(resources(), both.toReversed());
    expect(await readCatalog('DST_D.root')).toMatchObject([{ events: 2 }]);
  });

  it('puts the late file of a retired attempt aside, and says why (C-E11)', async () => {
    const id = await newAttempt();
    const table = sql.table(status.role, 'production_status');
    await status.execute(sql`update ${table} set retired_at = now(), retired_reason = 'redone' where id = ${id}`);
    const { results, registered } = await ingestEvents(resources(), [eventOf(id, 3, stageoutOf('DST_E.root'))]);
    expect(results).toMatchObject([{ outcome: 'new' }]);
    expect(registered).toMatchObject([{ isRegistered: false, reason: 'the attempt was retired: redone' }]);
    expect(await readCatalog('DST_E.root')).toEqual([]);
    const events = sql.table(status.role, 'production_event');
    expect(await status.query(sql`select applied_at, apply_note from ${events} where cupsid = ${id}`)).toEqual([
      { applied_at: null, apply_note: 'the attempt was retired: redone' },
    ]);
    expect(await makeStageoutApplier(resources()).applyPending()).toEqual({ applied: 0, isCatalogUp: true });
  });

  it('keeps the rest going where the catalog refuses one file', async () => {
    const id = await newAttempt();
    const table = sql.table(catalog.role, 'datasets');
    await catalog.execute(sql`alter table ${table} add constraint no_bad check (filename <> 'BAD.root')`);
    const events = ['GOOD1.root', 'BAD.root', 'GOOD2.root'].map((lfn, index) => eventOf(id, index, stageoutOf(lfn)));
    const { registered } = await ingestEvents(resources(), events);
    await catalog.execute(sql`alter table ${table} drop constraint no_bad`);
    expect(registered.map((one) => one.isRegistered)).toEqual([true, false, true]);
    expect(registered[1]?.reason).toContain('the catalog refuses it');
  });

  it('refuses an event that the database cannot store, and records the others', async () => {
    const id = await newAttempt();
    const events = sql.table(status.role, 'production_event');
    await status.execute(sql`alter table ${events} add constraint no_bad check (source <> 'bad')`);
    const { results } = await ingestEvents(resources(), [
      eventOf(id, 0, { kind: 'started', node: 'n' }),
      eventOf(id, 1, { kind: 'running' }, { source: 'bad' }),
      eventOf(id, 2, { kind: 'nevents', nevents: 4 }),
    ]);
    await status.execute(sql`alter table ${events} drop constraint no_bad`);
    expect(results.map((result) => result.outcome)).toEqual(['new', 'invalid', 'new']);
    expect(await readAttempt(status, id)).toMatchObject({ status: 'started', nevents: 4 });
  });

  it('records while the catalog is away, and applies when it is back', async () => {
    const id = await newAttempt();
    const away = openDatabase(
      { ...databases.roles.catalog, url: 'postgresql:///nowhere?host=/nonexistent&user=slurp' },
      { applicationName: 'test', connectAttempts: 1 },
    );
    const { results, registered } = await ingestEvents({ ...resources(), catalog: away }, [
      eventOf(id, 3, stageoutOf('DST_F.root')),
    ]);
    expect(results).toMatchObject([{ outcome: 'new' }]);
    expect(registered).toMatchObject([{ isRegistered: false }]);
    expect(registered[0]?.reason).toContain('the catalog is unavailable');
    expect(await countUnapplied(status)).toMatchObject({ pending: 1 });
    await away.close();
    const applier = makeStageoutApplier(resources());
    expect(await applier.applyPending()).toEqual({ applied: 1, isCatalogUp: true });
    expect(await readCatalog('DST_F.root')).toHaveLength(1);
    expect(await countUnapplied(status)).toMatchObject({ pending: 0 });
  });

  it('does not wait for a catalog that hangs', async () => {
    const id = await newAttempt();
    const session = await catalog.openSession();
    const held = session.transaction(async (held) => {
      await held.execute(sql`lock table ${sql.table(catalog.role, 'datasets')}`);
      const applier = makeStageoutApplier(resources(), 100);
      const reply = await ingestEvents({ ...resources(), applier }, [eventOf(id, 3, stageoutOf('DST_G.root'))]);
      expect(reply.registered).toMatchObject([{ isRegistered: false, reason: 'the catalog has not answered yet' }]);
      return applier;
    });
    const applier = await held;
    await session.close();
    await waitUntil(async () => ((await readCatalog('DST_G.root')).length > 0 ? true : undefined), {
      timeoutMs: 25_000,
    });
    await applier.close();
    expect(await readCatalog('DST_G.root')).toHaveLength(1);
  });

  it('notifies of new files, once for each dsttype and run', async () => {
    const id = await newAttempt();
    const heard: string[] = [];
    await status.session(async (session) => {
      const stop = await session.listen('slurp_catalog', (payload) => heard.push(payload));
      await ingestEvents(
        resources(),
        ['H1.root', 'H2.root'].map((lfn, index) => eventOf(id, index, stageoutOf(lfn))),
      );
      await waitUntil(() => (heard.length > 0 ? true : undefined), { timeoutMs: 25_000 });
      await stop();
    });
    expect(heard.map((payload): unknown => JSON.parse(payload))).toEqual([{ dsttype: 'DST_EVENT_auau23', run: 22026 }]);
  });
});
