import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adoptAndMigrate, planAdoptAndMigrate } from '#adopt/adopt-and-migrate.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { waitUntil } from '#util/wait-until.ts';

import { testDatabase } from '../db/test-database.ts';
import { makeOldDatabase } from './old-database.ts';

import type { Database, Statement } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

import type { TestDatabase } from '../db/test-database.ts';
import type { OldDatabase } from './old-database.ts';

const sqlDirectory = join(findPackageRoot(), 'sql');
const timeoutMs = 240_000;
/** With the older rows: 216,002. */
const products = 180_000;
let given: TestDatabase;
let database: Database;

beforeAll(async () => {
  given = await testDatabase();
  database = openDatabase(given.roles.status, { applicationName: 'adopt test' });
});

afterAll(async () => {
  await database.close();
  await given.close();
});

function inSchema(schema: string, role: Role = given.roles.status): Role {
  return { ...role, schema };
}

async function oldDatabase(schema: string, old: OldDatabase = {}): Promise<Role> {
  await makeOldDatabase(database, inSchema(schema), old);
  return inSchema(schema);
}

async function ask<T extends object>(role: Role, statement: Statement): Promise<readonly T[]> {
  return database.transaction(async (session) => {
    await session.query(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, true)`);
    return session.query<T>(statement);
  });
}

/** Runs a statement as an old reader does, and gives its only row. */
async function read(role: Role, text: string): Promise<Record<string, unknown>> {
  const [row] = await ask<Record<string, unknown>>(role, sql.verbatim(text));
  return row ?? {};
}

/** Each thing that a schema is made of, as a line; the order of columns is left out. */
async function describeSchema(schema: string): Promise<readonly string[]> {
  const rows = await database.query<{ line: string }>(sql`
    select format('%s.%s %s%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then ' not null' end, pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where n.nspname = ${schema} and c.relkind in ('r', 'p')
    union all
    select format('%s %s', k.conrelid::regclass, pg_get_constraintdef(k.oid)) from pg_constraint k
    join pg_namespace n on n.oid = k.connamespace where n.nspname = ${schema} and k.contype <> 'n'
    union all
    select indexdef from pg_indexes where schemaname = ${schema}
    union all
    select format('%s %s', t.typname, string_agg(e.enumlabel, ', ' order by e.enumsortorder))
    from pg_type t join pg_enum e on e.enumtypid = t.oid join pg_namespace n on n.oid = t.typnamespace
    where n.nspname = ${schema} group by t.typname
    union all
    select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema}`);
  const lines = rows.map(({ line }) => line.replaceAll(`${schema}.`, '').replaceAll(schema, 'SCHEMA').trim());
  return lines.filter((line) => !line.includes('slurp_migration')).sort();
}

const oldDatabases: readonly (readonly [string, OldDatabase])[] = [
  ['as the original declares it', { held: 'nowhere', invalidRuns: 'missing', hasRanges: false }],
  ['with held where it belongs', { held: 'between', invalidRuns: 'keyless' }],
  ['with held at the end', { held: 'last', invalidRuns: 'as declared' }],
];

describe('what becomes of the tables', () => {
  it.each(oldDatabases)(
    'an old database %s has all that a new one has',
    async (title, old) => {
      const schema = `shape_${oldDatabases.findIndex(([name]) => name === title)}`;
      await adoptAndMigrate(await oldDatabase(schema, old), sqlDirectory);
      await adoptAndMigrate(inSchema('shape_new'), sqlDirectory);
      const made = await describeSchema(schema);
      const wanted = await describeSchema('shape_new');
      expect(wanted.filter((line) => !made.includes(line))).toEqual([]);
      const more = made.filter((line) => !wanted.includes(line) && !line.startsWith('dataset_status_superseded.'));
      expect(more.filter((line) => !/^CREATE UNIQUE INDEX \w+_id_key|^\w+ UNIQUE \(id\)$/.test(line))).toEqual([]);
    },
    timeoutMs,
  );
});

// Each column of the original as text; where nothing was known of a number, there is a 0 now.
const rowSums: Readonly<Record<string, string>> = {
  production_setup: `select count(*), md5(string_agg(concat_ws('|', id, name, build, dbtag, repo, dir, hash, revision), ',' order by id)) as sum
    from production_setup`,
  production_status: `select count(*), md5(string_agg(concat_ws('|', id, dsttype, dstname, dstfile, run, segment, nsegments, inputs,
      coalesce(ranges, 'none'), prod_id, cluster, process, status, submitting, submitted, started, running, ended,
      coalesce(flags, 0), exit_code, coalesce(nevents, 0), submission_host, execution_node, message, logsize), ',' order by id)) as sum
    from production_status`,
  production_cursor: `select count(*), md5(string_agg(c::text, ',' order by id)) as sum from production_cursor c`,
  production_quality: `select count(*), md5(string_agg(q::text, ',' order by id)) as sum from production_quality q`,
  cups_stats: `select count(*), md5(string_agg(c::text, ',' order by id)) as sum from cups_stats c`,
};

async function sumRows(role: Role): Promise<Record<string, unknown>> {
  const sums: Record<string, unknown> = {};
  for (const [table, text] of Object.entries(rowSums)) sums[table] = await read(role, text);
  return sums;
}

describe('what becomes of the rows', () => {
  let role: Role;
  let before: Record<string, unknown>;
  let plan: unknown;

  beforeAll(async () => {
    role = await oldDatabase('rows', { products, invalidRuns: 'keyless' });
    before = await sumRows(role);
    plan = await planAdoptAndMigrate(role, sqlDirectory);
  }, timeoutMs);

  it(
    'C-A1: none is lost or changed, and the plan had reported all',
    async () => {
      const report = await adoptAndMigrate(role, sqlDirectory);
      expect(await sumRows(role)).toEqual(before);
      expect(report.adoption?.counts).toEqual([
        { table: 'production_setup', before: 2, after: 2 },
        { table: 'production_status', before: 216_002, after: 216_002, live: 180_002, retired: 36_000 },
        { table: 'production_cursor', before: 1, after: 1 },
        { table: 'production_quality', before: 1, after: 1 },
        { table: 'dataset_status', before: 3, after: 2 },
        { table: 'dataset_status_superseded', after: 1 },
        { table: 'cups_stats', before: 1, after: 1 },
        { table: 'invalid_run_list', before: 2, after: 2 },
      ]);
      expect(report.adoption?.open).toEqual([
        { state: 'submitting', attempts: 1800, withoutCluster: 1800 },
        { state: 'submitted', attempts: 1800, withoutCluster: 0 },
        { state: 'started', attempts: 1800, withoutCluster: 0 },
        { state: 'running', attempts: 1800, withoutCluster: 0 },
        { state: 'held', attempts: 1800, withoutCluster: 0 },
        { state: 'evicted', attempts: 1800, withoutCluster: 0 },
      ]);
      expect(plan).toEqual({ ...report, adoption: { ...report.adoption, rewrittenBytes: expect.any(Number) } });
    },
    timeoutMs,
  );

  it('C-A2: of rows with one dstfile the newest is live, numbered last; the others say why they are retired', async () => {
    expect(
      await ask(
        role,
        sql`select cluster, status::text, attempt_number, retired_at is null as "isLive", retired_by, retired_reason
            from production_status where run = 20 order by id`,
      ),
    ).toEqual([
      {
        ...{ cluster: 101, status: 'failed', attempt_number: 1, isLive: false, retired_by: 'slurp db migrate' },
        retired_reason: expect.stringMatching(/^adopted: cupsid 36020 of the same product is newer$/),
      },
      {
        ...{ cluster: 102, status: 'failed', attempt_number: 2, isLive: false, retired_by: 'slurp db migrate' },
        retired_reason: expect.stringMatching(/^adopted: cupsid 36020 of the same product is newer$/),
      },
      { cluster: 200, status: 'finished', attempt_number: 3, isLive: true, retired_by: null, retired_reason: null },
    ]);
    expect(
      await read(
        role,
        `select count(*) as live, count(distinct dstfile) as products from production_status where retired_at is null`,
      ),
    ).toEqual({ live: 180_002, products: 180_002 });
  });

  it('names with and without v000 stay two products', async () => {
    expect(
      await ask(
        role,
        sql`select dstfile, attempt_number, retired_at from production_status where dsttype = 'DST_TWIN_run2pp' order by id`,
      ),
    ).toEqual([
      { dstfile: 'DST_TWIN_run2pp_new_nocdbtag-00000007-00000', attempt_number: 1, retired_at: null },
      { dstfile: 'DST_TWIN_run2pp_new_nocdbtag_v000-00000007-00000', attempt_number: 1, retired_at: null },
    ]);
  });

  it('C-A6: the newest row of a dataset stays, the older ones move', async () => {
    const columns = sql`dstname, run, lastrun, nsegments, status`;
    expect(await ask(role, sql`select id, ${columns} from dataset_status order by id`)).toEqual([
      { id: 2, dstname: 'DST_OLD_run2pp_x', run: 7, lastrun: 0, nsegments: 4, status: 'finalized' },
      { id: 3, dstname: 'DST_OLD_run2pp_x', run: 8, lastrun: 9, nsegments: 0, status: 'created' },
    ]);
    expect(await ask(role, sql`select id, ${columns} from dataset_status_superseded`)).toEqual([
      { id: 1, dstname: 'DST_OLD_run2pp_x', run: 7, lastrun: 0, nsegments: 3, status: 'created' },
    ]);
  });

  it('a setup is as old as its first attempt', async () => {
    expect(await read(role, `select created_at from production_setup where id = 1`)).toEqual({
      created_at: new Date('2024-07-01T00:00:10Z'),
    });
  });

  it('a second time there is nothing to do', async () => {
    expect(await planAdoptAndMigrate(role, sqlDirectory)).toEqual({ role: 'status', applied: [], isForeign: false });
    expect(await adoptAndMigrate(role, sqlDirectory)).toEqual({ role: 'status', applied: [], isForeign: false });
  });
});

describe('old readers and writers', () => {
  const counts = `select count(*) filter (where status < 'started') as waiting,
      count(*) filter (where status >= 'started' and status < 'failed') as active,
      count(*) filter (where status = 'held' and status > 'running' and status < 'evicted') as held
    from production_status`;
  const insert = `insert into production_status (dsttype, dstname, dstfile, run, segment, nsegments, inputs, ranges,
      prod_id, cluster, process, status, submitting, nevents, submission_host)
    values ('DST_NEW_run2pp', 'DST_NEW_run2pp_new_nocdbtag_v000', 'DST_NEW_run2pp_new_nocdbtag_v000-00000001-00000', 1, 0,
      0, 'a,b', 'unset', 2, 0, 0, 'submitting', '2025-01-01T00:00:00+00:00', 0, 'sub01') returning id`;

  it.each(['between', 'last'] as const)(
    'C-A3: compare states as they always meant to (held %s)',
    async (held) => {
      const role = await oldDatabase(`readers_${held}`, { held });
      await adoptAndMigrate(role, sqlDirectory);
      expect(await read(role, counts)).toEqual({ waiting: 20, active: 40, held: 10 });
    },
    timeoutMs,
  );

  it(
    'C-A1, C-A4, C-A6: write as before, and cannot make a second live row of one product',
    async () => {
      const role = await oldDatabase('writers');
      await adoptAndMigrate(role, sqlDirectory);
      const { id } = await read(role, insert);
      expect(id).toBe(1203);
      await expect(read(role, insert)).rejects.toMatchObject({ code: 'database-unique' });
      const adoptedRows = await ask(
        role,
        sql`update production_status set message = 'm', flags = flags + 4, logsize = 7, nevents = nevents + 5,
              status = 'running', started = '2025-01-01T00:00:01+00:00', execution_node = 'node1'
            where id = ${Number(id)} returning flags, nevents, attempt_number, start, submission_id`,
      );
      expect(adoptedRows).toEqual([{ flags: 4, nevents: 5, attempt_number: 1, start: -1, submission_id: null }]);
      const upsert = `insert into dataset_status (dstname, run, lastrun, revision, created, status, blame)
        values ('DST_OLD_run2pp_x', 7, 0, 1, '2025-01-01', 'created', 'bachi')
        on conflict on constraint dataset_status_pkey do update set revision = dataset_status.revision + 1
        returning id, revision`;
      expect(await read(role, upsert)).toEqual({ id: 2, revision: 2 });
      const setup = `insert into production_setup (name, build, dbtag, repo, dir, hash, revision)
        values ('DST_OLD_run2pp', 'ana.437', '2024p007', 'r', 'd', 'abc1234', 2) returning id, dirty`;
      expect(await read(role, setup)).toEqual({ id: 3, dirty: false });
    },
    timeoutMs,
  );
});

describe('tables that have lost their keys', () => {
  it(
    'get them back; a cursor without version is that of version 0, and its production finds it',
    async () => {
      const role = await oldDatabase('keyless');
      const cursors = sql.table(role, 'production_cursor');
      await database.execute(sql`alter table ${cursors} drop constraint production_cursor_pkey`);
      await database.execute(sql`alter table ${cursors} alter column version drop not null`);
      await database.execute(sql`
        insert into ${cursors} (dsttype, build, tag, version, lastrun)
        values ('DST_STREAM_X_run2pp', 'new', 'nocdbtag', null, 80)`);
      await adoptAndMigrate(role, sqlDirectory);
      const production = { dsttype: 'DST_STREAM$(streamname)run2pp', build: 'new', tag: 'nocdbtag' };
      const status = openDatabase(role, { applicationName: 'adopt test', max: 1 });
      expect(await findCursor(status, production)).toBe(80);
      expect(await findCursor(status, { ...production, version: 0 })).toBe(80);
      await status.close();
      const again = sql`insert into ${cursors} (dsttype, build, tag, version, lastrun)
        select dsttype, build, tag, version, 90 from ${cursors} where lastrun = 80`;
      await expect(database.execute(again)).rejects.toMatchObject({ code: 'database-unique' });
    },
    timeoutMs,
  );

  it(
    'keep one row of a production setup without revision',
    async () => {
      const role = await oldDatabase('setup_again');
      await adoptAndMigrate(role, sqlDirectory);
      const setups = sql.table(role, 'production_setup');
      const again = sql`insert into ${setups} (name, build, dbtag, repo, dir, hash, revision)
        select name, build, dbtag, repo, dir, hash, revision from ${setups} where revision is null`;
      await expect(database.execute(again)).rejects.toMatchObject({ code: 'database-unique' });
    },
    timeoutMs,
  );
});

describe('what may come in between', () => {
  it(
    'two at once adopt once',
    async () => {
      const role = await oldDatabase('twice');
      const reports = await Promise.all([1, 2, 3].map(() => adoptAndMigrate(role, sqlDirectory)));
      expect(reports.filter(({ adoption }) => adoption !== undefined)).toHaveLength(1);
      expect(reports.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
      expect(await read(role, 'select count(*) from production_status where retired_at is null')).toEqual({
        count: 1002,
      });
    },
    timeoutMs,
  );

  it(
    'ended in the middle it has changed nothing, and can be done again',
    async () => {
      const role = await oldDatabase('broken_off');
      // Stops it at a statement in the middle, until it is ended.
      await database.execute(sql`create function broken_off.pause() returns trigger language plpgsql
        as $$ begin perform pg_sleep(600); return new; end $$`);
      await database.execute(sql`create trigger pause before update on broken_off.production_setup
        for each row execute function broken_off.pause()`);
      const before = [await describeSchema('broken_off'), await sumRows(role)];
      const [outcome, ended] = await Promise.all([
        adoptAndMigrate(role, sqlDirectory).catch((error: unknown) => error),
        waitUntil(
          async () => {
            const rows = await database.query(sql`select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'slurp migrate' and wait_event = 'PgSleep' and datname = current_database()`);
            return rows.length > 0 ? rows.length : undefined;
          },
          { timeoutMs: 60_000 },
        ),
      ]);
      expect(ended).toBe(1);
      expect(outcome).toMatchObject({ kind: 'database' });
      expect([await describeSchema('broken_off'), await sumRows(role)]).toEqual(before);
      await database.execute(sql`drop trigger pause on broken_off.production_setup`);
      expect((await adoptAndMigrate(role, sqlDirectory)).adoption?.counts[1]).toMatchObject({
        live: 1002,
        retired: 200,
      });
    },
    timeoutMs,
  );

  it(
    'leaves tables alone that another session uses for long',
    async () => {
      const role = await oldDatabase('in_use');
      await database.session(async (session) => {
        await session.execute(sql`begin`);
        await session.query(sql`select 1 from ${sql.table(role, 'production_status')} limit 1`);
        await expect(adoptAndMigrate(role, sqlDirectory, { lockTimeoutMs: 200 })).rejects.toMatchObject({
          code: 'database-conflict',
          message: expect.stringMatching(/^Others use the tables in schema 'in_use' of '.*' for more than 0\.2 s$/),
        });
        await session.execute(sql`rollback`);
      });
      expect((await adoptAndMigrate(role, sqlDirectory)).applied).toContain('0001-attempts');
    },
    timeoutMs,
  );
});

describe('what is refused', () => {
  async function refusal(role: Role): Promise<unknown> {
    const look = async (action: () => Promise<unknown>): Promise<unknown> =>
      action().then(
        () => 'nothing',
        (error: unknown) => error,
      );
    const planned = await look(() => planAdoptAndMigrate(role, sqlDirectory));
    const error = await look(() => adoptAndMigrate(role, sqlDirectory));
    expect(planned).toEqual(error);
    return error;
  }

  it('a database of something else', async () => {
    const role = inSchema('something_else');
    await database.execute(sql`create schema something_else`);
    await database.execute(sql`create table something_else.production_status (id uuid, run text, status int)`);
    await database.execute(sql`create view something_else.dataset_status as select 1 as id`);
    await database.execute(sql`create table something_else.submission (paper text)`);
    expect(await refusal(role)).toMatchObject({
      code: 'database-foreign-tables',
      message: expect.stringMatching(
        /^The tables in schema 'something_else' of '.*' cannot be adopted as those of a production$/,
      ),
      complaints: [
        "Column 'id' of 'production_status' is 'uuid': expected an integer",
        ...['dsttype', 'dstname', 'dstfile'].map((name) => `Table 'production_status' has no column '${name}'`),
        "Column 'run' of 'production_status' is 'text': expected an integer",
        ...['segment', 'nsegments', 'inputs', 'prod_id', 'cluster', 'process'].map(
          (name) => `Table 'production_status' has no column '${name}'`,
        ),
        "Column 'status' of 'production_status' is 'integer': expected an enum or a text",
        "'dataset_status' is a view: expected a table",
        "There is a table 'submission', which the original does not have",
        "Table 'production_setup', to which 'production_status' refers, does not exist",
      ],
      advice: "Name another schema for 'status' in the site file",
    });
  });

  it('tables of SLURP whose list of migrations was lost', async () => {
    const role = inSchema('list_lost');
    await adoptAndMigrate(role, sqlDirectory);
    await database.execute(sql`drop table list_lost.slurp_migration_status`);
    expect(await refusal(role)).toMatchObject({
      complaints: [
        "There is a table 'submission', which the original does not have",
        "There is a table 'production_event', which the original does not have",
        "There is a table 'file_owner', which the original does not have",
        "'production_status' has columns of SLURP, but the list of what SLURP did there is missing",
      ],
    });
  });

  it('views over what changes, by name', async () => {
    const role = await oldDatabase('viewed');
    await database.execute(
      sql`create view viewed.by_type as select dsttype, count(*) from viewed.production_status group by dsttype`,
    );
    await database.execute(
      sql`create view viewed.by_run as select run, count(*) from viewed.production_status group by run`,
    );
    expect(await refusal(role)).toMatchObject({
      code: 'database-in-use',
      complaints: ["View 'viewed.by_type' reads what gets a wider type: production_status.dsttype"],
      advice:
        "Keep their text (select pg_get_viewdef('viewed.by_type', true)), drop them, and make them again afterwards",
    });
  });

  it('refuses unknown states', async () => {
    const role = await oldDatabase('strange_state');
    await database.execute(sql`alter type strange_state.prodstate add value 'paused'`);
    await database.execute(sql`update strange_state.production_status set status = 'paused' where run = 3`);
    expect(await refusal(role)).toMatchObject({
      complaints: ["1 row of 'production_status' is in the state 'paused', which SLURP does not know"],
    });
    await database.execute(sql`update strange_state.production_status set status = 'failed' where run = 3`);
    expect((await adoptAndMigrate(role, sqlDirectory)).adoption?.hasNewStates).toBe(true);
  });

  it('an account that does not own the tables', async () => {
    const role = await oldDatabase('owned');
    await database.execute(sql`create role reader login`);
    await database.execute(sql`grant usage on schema owned to reader`);
    await database.execute(sql`grant select, insert, update on all tables in schema owned to reader`);
    const asReader = { ...role, url: role.url.replace('user=slurp', 'user=reader') };
    const error = await refusal(asReader);
    await database.execute(sql`drop owned by reader`);
    await database.execute(sql`drop role reader`);
    expect(error).toMatchObject({
      code: 'database-refused',
      complaints: [
        ...['cups_stats', 'dataset_status', 'invalid_run_list', 'production_cursor', 'production_quality'],
        ...['production_setup', 'production_status'],
      ]
        .map((name) => `Table '${name}' belongs to 'slurp': only its owner may change it`)
        .concat("This account may not make tables in the schema 'owned'"),
      advice: "Run 'slurp db migrate' once as the owner of the tables",
    });
  });
});
