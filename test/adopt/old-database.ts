import { sql } from '#db/connect.ts';

import type { Database } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

/** How an old database differs from site to site. */
export interface OldDatabase {
  /** Where the enum has `held`; `between` by default. */
  readonly held?: 'nowhere' | 'between' | 'last';
  /** What there is of the list of invalid runs; its declared key never worked. */
  readonly invalidRuns?: 'missing' | 'keyless' | 'as declared';
  readonly hasRanges?: boolean;
  /** Products, each with a row; every tenth has two more, older ones. */
  readonly products?: number;
}

const states = ['submitting', 'submitted', 'started', 'running', 'evicted', 'failed', 'finished'];

function enumOf(held: OldDatabase['held']): string {
  const words = [...states];
  if (held === 'last') words.push('held');
  if (held === 'between' || held === undefined) words.splice(4, 0, 'held');
  return words.map((word) => `'${word}'`).join(', ');
}

function invalidRunsOf(kind: OldDatabase['invalidRuns']): string {
  if (kind === 'missing') return '';
  const id = kind === 'keyless' ? 'id int' : 'id serial unique';
  return `create table invalid_run_list (${id}, dstname varchar(32) not null, first_run int not null,
    last_run int not null default -1, first_segment int not null default 0, last_segment int not null default 99999,
    created_at timestamp default (now() at time zone 'utc'), expires_at timestamp default '2161-10-11');
  insert into invalid_run_list (id, dstname, first_run, last_run) values
    (1, 'DST_OLD_run2pp', 1, 3), (${kind === 'keyless' ? 1 : 2}, 'all', 900000, 900001);`;
}

/** The tables of a production as the original made them, and what it left in them. */
function textOf(old: OldDatabase): string {
  const products = old.products ?? 1000;
  return `
  create type prodstate as enum (${enumOf(old.held)});
  create table production_setup (
    id serial unique, name varchar(32) not null, build varchar(8) not null, dbtag varchar(8) not null,
    repo text not null, dir text not null, hash varchar(8) not null, revision int,
    primary key (name, build, dbtag, hash));
  create table production_status (
    id serial unique, dsttype varchar(32) not null, dstname varchar(64) not null, dstfile varchar(128) not null,
    run int not null, segment int not null, nsegments int not null, inputs text not null,
    ${old.hasRanges === false ? '' : 'ranges text,'}
    prod_id int not null references production_setup (id), cluster int not null, process int not null,
    status prodstate not null, submitting timestamp, submitted timestamp, started timestamp, running timestamp,
    ended timestamp, flags int, exit_code int, nevents int, submission_host varchar(16), execution_node varchar(32),
    message text, logsize int, primary key (id, run, segment, prod_id));
  create table production_cursor (
    id serial unique, dsttype text not null, build text not null, tag text not null, version int not null,
    lastrun int not null, primary key (dsttype, build, tag, version));
  create table production_quality (
    id serial unique, dstname varchar(32) not null, run int not null, segment int not null,
    stat_id int not null references production_status (id), qual jsonb not null,
    primary key (id, dstname, run, segment));
  create table dataset_status (
    id serial unique, dstname varchar(63) not null, run int not null, lastrun int default 0, revision int default 0,
    nsegments int default 0, parent text default 'DAQ', created timestamp, updated timestamp, finalized timestamp,
    status text, blame text, primary key (id, dstname, run));
  create table cups_stats (
    id serial unique, dstname varchar(64) not null, run int not null, segment int not null,
    update varchar(32) not null, started timestamp not null, ended timestamp not null, nattempts int not null,
    exception text not null, primary key (dstname, run, segment, update));
  ${invalidRunsOf(old.invalidRuns)}

  insert into production_setup (name, build, dbtag, repo, dir, hash, revision) values
    ('DST_OLD_run2pp', 'ana.437', '2024p007', 'https://example.org/p.git', './calo/', 'abc1234', 1),
    ('DST_STREAM_X_run2pp', 'new', 'nocdbtag', 'https://example.org/p.git', './stream/', 'abc1234', null);

  -- The older rows come first: serial numbers say which row is newer, times need not.
  insert into production_status (dsttype, dstname, dstfile, run, segment, nsegments, inputs, prod_id, cluster, process,
    status, submitting, nevents, submission_host)
  select 'DST_OLD_run2pp', 'DST_OLD_run2pp_ana437_2024p007_v001',
    'DST_OLD_run2pp_ana437_2024p007_v001-' || lpad(run::text, 8, '0') || '-00000',
    run, 0, 0, '/data/in-' || run || '.evt', 1, 100 + copy, run, 'failed', timestamp '2024-07-01' + run * interval '1 s',
    0, 'sub01'
  from generate_series(10, ${products}, 10) run, generate_series(1, 2) copy order by copy, run;

  insert into production_status (dsttype, dstname, dstfile, run, segment, nsegments, inputs, prod_id, cluster, process,
    status, submitting, submitted, started, running, ended, flags, exit_code, nevents, submission_host, execution_node,
    message, logsize)
  select 'DST_OLD_run2pp', 'DST_OLD_run2pp_ana437_2024p007_v001',
    'DST_OLD_run2pp_ana437_2024p007_v001-' || lpad(run::text, 8, '0') || '-00000',
    run, 0, 1, '/data/in-' || run || '.evt', 1, case when run % 100 = 1 then 0 else 200 end, run,
    (case run % 100 when 1 then 'submitting' when 2 then 'submitted' when 3 then 'started' when 4 then 'running'
      when 5 then ${old.held === 'nowhere' ? "'evicted'" : "'held'"} when 6 then 'evicted' when 7 then 'failed'
      else 'finished' end)::prodstate,
    timestamp '2024-08-01' + run * interval '1 s', timestamp '2024-08-01', timestamp '2024-08-02', timestamp '2024-08-02',
    timestamp '2024-08-03', case when run % 7 = 0 then 5 end, 0, run, 'sub02', 'node' || run % 50, 'it''s done', 12
  from generate_series(1, ${products}) run order by run;

  insert into production_status (dsttype, dstname, dstfile, run, segment, nsegments, inputs, prod_id, cluster, process, status)
  select 'DST_TWIN_run2pp', 'DST_TWIN_run2pp_new_nocdbtag' || v, 'DST_TWIN_run2pp_new_nocdbtag' || v || '-00000007-00000',
    7, 0, 0, 'in', 2, 1, 1, s::prodstate
  from (values ('', 'finished'), ('_v000', 'failed')) t (v, s);

  insert into production_cursor (dsttype, build, tag, version, lastrun) values ('DST_OLD_run2pp', 'ana.437', '2024p007', 1, 40);
  insert into production_quality (dstname, run, segment, stat_id, qual) values ('DST_OLD_run2pp', 1, 0, 1, '{"good": true}');
  insert into dataset_status (dstname, run, lastrun, revision, nsegments, created, status, blame) values
    ('DST_OLD_run2pp_x', 7, 0, 1, 3, '2024-08-01', 'created', 'bachi'),
    ('DST_OLD_run2pp_x', 7, null, 1, 4, '2024-08-02', 'finalized', 'bachi'),
    ('DST_OLD_run2pp_x', 8, 9, 1, null, '2024-08-02', 'created', 'bachi');
  insert into cups_stats (dstname, run, segment, update, started, ended, nattempts, exception)
    values ('DST_OLD_run2pp_x', 7, 0, 'started', '2024-08-01', '2024-08-01', 1, 'noexception');
  `;
}

/** Makes an old database in the schema of a role. */
export async function makeOldDatabase(database: Database, role: Role, old: OldDatabase = {}): Promise<void> {
  await database.session(async (session) => {
    await session.execute(sql`create schema if not exists ${sql.identifier(role.schema)}`);
    await session.execute(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, false)`);
    await session.script(textOf(old));
  });
}
