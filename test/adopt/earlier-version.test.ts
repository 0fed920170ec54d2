import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adoptAndMigrate, findPendingWithAdoption, planAdoptAndMigrate } from '#adopt/adopt-and-migrate.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { ensureEventPartitions } from '#db/status/ensure-event-partitions.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { testDatabase } from '../db/test-database.ts';
import { eventOf } from '../ingest/attempts.ts';
import { makeOldDatabase } from './old-database.ts';

import type { Database } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

import type { TestDatabase } from '../db/test-database.ts';

const sqlDirectory = join(findPackageRoot(), 'sql');
const timeoutMs = 120_000;
const earlierNames = [
  ...['0001-production', '0002-events', '0003-reconcile', '0004-datasets', '0005-cursor', '0006-final-state'],
  ...['0007-factory-stops', '0008-file-owner', '0009-refused-reports', '0010-ends', '0011-payload'],
  '0012-product-directories',
];
/** An attempt of the old database that has not ended: events may change its row. */
const open = 202;
const ours = readdirSync(join(sqlDirectory, 'status'))
  .filter((name) => name.endsWith('.sql'))
  .map((name) => name.replace('.sql', ''))
  .toSorted();
let given: TestDatabase;
let database: Database;

beforeAll(async () => {
  given = await testDatabase();
  database = openDatabase(given.roles.status, { applicationName: 'earlier version test' });
});

afterAll(async () => {
  await database.close();
  await given.close();
});

/** Names of what the migrations after `0006-record-events` make: no earlier version had any of it. */
function findMadeSince(kind: 'table' | 'sequence' | 'function' | 'index'): readonly string[] {
  const later = ours.slice(ours.indexOf('0006-record-events') + 1);
  return later.flatMap((name) =>
    [
      ...readFileSync(join(sqlDirectory, 'status', `${name}.sql`), 'utf8').matchAll(
        /^create (?:unlogged )?(\w+) (\w+)/gmu,
      ),
    ].flatMap(([, made, what]) => (made === kind && what !== undefined ? [what] : [])),
  );
}

/** Gives the tables of a role the names, and the list of migrations, of the versions before the first release. */
async function makeEarlier(role: Role, migrations: readonly string[]): Promise<void> {
  const table = (name: string) => sql.table(role, name);
  // What these versions did not have.
  for (const name of ['production_start', ...findMadeSince('table')]) {
    await database.execute(sql`drop table ${table(name)} cascade`);
  }
  // Those of the tables went with them.
  for (const name of findMadeSince('index')) await database.execute(sql`drop index if exists ${table(name)}`);
  for (const name of findMadeSince('sequence')) await database.execute(sql`drop sequence ${table(name)}`);
  const parts = ['event_facts', 'correct_clocks'];
  const added = ['refold_starts', 'refold_attempts', 'joined_inputs', 'rank_of', 'is_file_of', 'message_of'];
  const notes = ['note_datasets', 'note_refusals'];
  for (const name of [...parts, ...added, 'recorded_of', 'noted_events', ...notes, ...findMadeSince('function')]) {
    await database.execute(sql`drop function ${table(name)} cascade`);
  }
  // What these versions had instead.
  for (const name of notes) {
    await database.execute(sql`
      create function ${table(name)}() returns trigger language plpgsql as 'begin return null; end'`);
    await database.execute(sql`
      create trigger ${sql.identifier(name)} after insert on ${table('production_event')}
      for each statement execute function ${table(name)}()`);
  }
  await database.execute(sql`alter table ${table('production_status')} rename column attempt_number to attempt`);
  await database.execute(sql`alter table ${table('production_event')} rename column cupsid to attempt`);
  await database.execute(sql`alter table ${table('file_owner')} rename column cupsid to attempt`);
  await database.execute(sql`delete from ${table('slurp_migration_status')}`);
  await database.execute(sql`
    insert into ${table('slurp_migration_status')} (name, timestamp)
    select name, '2026-11-01T00:00:00.000Z' from unnest(${migrations}::text[]) as name`);
}

async function adoptedBefore(schema: string, migrations: readonly string[]): Promise<Role> {
  const role: Role = { ...given.roles.status, schema };
  await makeOldDatabase(database, role);
  await adoptAndMigrate(role, sqlDirectory);
  await ensureEventPartitions(openRole(role));
  await recordEvents(openRole(role), [{ event: eventOf(open, 0, { kind: 'nevents', nevents: 5 }, { source: 's' }) }]);
  await makeEarlier(role, migrations);
  return role;
}

const opened: Database[] = [];
function openRole(role: Role): Database {
  const made = openDatabase(role, { applicationName: 'earlier version test', max: 1 });
  opened.push(made);
  return made;
}
afterAll(async () => {
  for (const one of opened) await one.close();
});

/** All rows of the original's tables, as text. */
async function readRows(role: Role): Promise<readonly unknown[]> {
  const tables = ['production_setup', 'production_status', 'production_cursor', 'production_quality', 'dataset_status'];
  const rows: unknown[] = [];
  for (const name of [...tables, 'cups_stats', 'invalid_run_list', 'production_event']) {
    rows.push(
      await database.query(sql`
        select count(*), md5(string_agg(t::text, ',' order by t::text)) from ${sql.table(role, name)} t`),
    );
  }
  return rows;
}

describe('a database that an earlier version of SLURP adopted', () => {
  it(
    'is adopted again: names change, no row is lost, and events go on',
    async () => {
      const role = await adoptedBefore('again', earlierNames);
      const before = await readRows(role);
      expect(await planAdoptAndMigrate(role, sqlDirectory)).toEqual({
        ...{ role: 'status', isForeign: false, isAdoptedAgain: true },
        applied: ours,
      });
      expect(await findPendingWithAdoption(role, sqlDirectory)).toEqual(ours);
      const reports = await Promise.all([1, 2].map(() => adoptAndMigrate(role, sqlDirectory)));
      expect(reports.flatMap(({ applied }) => applied).toSorted()).toEqual(ours);
      expect(await readRows(role)).toEqual(before);
      expect(await adoptAndMigrate(role, sqlDirectory)).toEqual({ role: 'status', applied: [], isForeign: false });
      const status = openRole(role);
      const event = eventOf(open, 1, { kind: 'message', text: 'after' }, { source: 's' });
      expect(await recordEvents(status, [{ event }])).toMatchObject([{ outcome: 'new' }]);
      expect(
        await status.query(sql`
          select s.attempt_number, s.message, s.nevents, count(*) as events
          from ${sql.table(role, 'production_status')} s join ${sql.table(role, 'production_event')} e on e.cupsid = s.id
          group by 1, 2, 3`),
      ).toEqual([{ attempt_number: 1, message: 'after', nevents: 5, events: 2 }]);
    },
    timeoutMs,
  );

  it(
    'is refused where that version had not brought it up to date; nothing is changed',
    async () => {
      const role = await adoptedBefore('half', earlierNames.slice(0, 8));
      const before = await readRows(role);
      const refusal = {
        code: 'database-too-old',
        message: expect.stringContaining("ran migrations up to '0008-file-owner' of '0012-product-directories'"),
        advice: "Run 'slurp db migrate' of the last version before the first release, then of this one",
      };
      await expect(planAdoptAndMigrate(role, sqlDirectory)).rejects.toMatchObject(refusal);
      await expect(adoptAndMigrate(role, sqlDirectory)).rejects.toMatchObject(refusal);
      expect(await readRows(role)).toEqual(before);
    },
    timeoutMs,
  );
});

it('a database that an earlier version made is too old, and the message says what to do', async () => {
  const role: Role = { ...given.roles.status, schema: 'demo_before' };
  await adoptAndMigrate(role, sqlDirectory);
  await makeEarlier(role, earlierNames);
  for (const ask of [planAdoptAndMigrate, adoptAndMigrate, findPendingWithAdoption]) {
    await expect(ask(role, sqlDirectory)).rejects.toMatchObject({
      code: 'database-too-old',
      message: expect.stringMatching(
        /^The tables in schema 'demo_before' of '.*' are too old: a version of SLURP before the first release made them$/u,
      ),
      advice:
        'They cannot be converted, and hold no rows of an older system: remove the site (or drop the schema) and make it again',
    });
  }
});
