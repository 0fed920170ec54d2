-- Tables and columns that are not there yet. What is added to a table with rows has a constant default, so nothing is
-- rewritten. Tables and columns are those of ../0001-attempts.sql; a test compares what comes of both.

create table if not exists production_setup (
  id serial primary key,
  name text not null,
  build text not null,
  dbtag text not null,
  repo text not null,
  dir text not null,
  hash text not null,
  revision int
);
alter table production_setup
  add column if not exists revision int,
  add column if not exists dirty boolean not null default false,
  add column if not exists created_at timestamp not null default (now() at time zone 'utc'),
  add column payload text;

create table submission (
  uuid uuid primary key,
  rule text not null,
  backend text not null,
  schedd text,
  cluster int,
  state text not null default 'reserved'
    check (state in ('reserved', 'confirmed', 'refused', 'lost')),
  count int not null,
  submission_host text not null,
  submitted_by text not null,
  directory text,
  message text,
  reserved_at timestamp not null default (now() at time zone 'utc'),
  ended_at timestamp,
  cursor_id int,
  cursor_before int,
  stop_kind text check (stop_kind in ('held', 'broken')),
  stop_reason text,
  stopped_at timestamp,
  stop_next int,
  can_restart boolean not null default false,
  success_exit_code int,
  is_product_required boolean not null default false,
  payload text,
  payload_origin jsonb,
  overridden text,
  product_directories text[]
);
create index submission_unconfirmed on submission (reserved_at) where state = 'reserved';
create index submission_withdrawn on submission (ended_at) where state in ('lost', 'refused');
create index submission_stopped on submission (stopped_at) where stop_kind is not null;
create index submission_payload on submission (payload) where payload is not null;

create table if not exists production_status (
  id serial not null unique,
  dsttype text not null,
  dstname text not null,
  dstfile text not null,
  run int not null,
  segment int not null,
  nsegments int not null default 0,
  inputs text not null,
  prod_id int not null references production_setup (id),
  cluster int not null default 0,
  process int not null default 0,
  status prodstate not null,
  primary key (id, run, segment, prod_id)
);
alter table production_status
  add column if not exists ranges text,
  add column if not exists submitting timestamp,
  add column if not exists submitted timestamp,
  add column if not exists started timestamp,
  add column if not exists running timestamp,
  add column if not exists ended timestamp,
  add column if not exists flags bigint not null default 0,
  add column if not exists exit_code int,
  add column if not exists nevents bigint not null default 0,
  add column if not exists submission_host text,
  add column if not exists execution_node text,
  add column if not exists message text,
  add column if not exists logsize bigint,
  add column if not exists last_message timestamp,
  add column attempt_number int not null default 1,
  add column rule text,
  add column submission_id uuid,
  add column replaces int,
  add column start int not null default -1,
  add column hold_code int,
  add column hold_subcode int,
  add column retired_at timestamp,
  add column retired_by text,
  add column retired_reason text,
  add column cpu_seconds double precision,
  add column wall_seconds double precision,
  add column memory_mb double precision,
  add column disk_mb double precision,
  add column inputs_dispatched text,
  add column refusal text,
  add column has_product boolean;

create table if not exists production_cursor (
  id serial unique,
  dsttype text not null,
  build text not null,
  tag text not null,
  version int not null,
  lastrun int not null,
  primary key (dsttype, build, tag, version)
);

create table if not exists production_quality (
  id serial unique,
  dstname text not null,
  run int not null,
  segment int not null,
  stat_id int references production_status (id),
  qual jsonb,
  primary key (id, dstname, run, segment)
);

create table if not exists dataset_status (
  id serial unique,
  dstname text not null,
  run int not null,
  primary key (dstname, run)
);
alter table dataset_status
  add column if not exists lastrun int not null default 0,
  add column if not exists revision int not null default 0,
  add column if not exists nsegments int not null default 0,
  add column if not exists parent text default 'DAQ',
  add column if not exists created timestamp,
  add column if not exists updated timestamp,
  add column if not exists finalized timestamp,
  add column if not exists broken timestamp,
  add column if not exists status text,
  add column if not exists blame text;

create table if not exists cups_stats (
  id serial unique,
  dstname text not null,
  run int not null,
  segment int not null,
  update text not null,
  started timestamp,
  ended timestamp,
  nattempts int,
  exception text,
  primary key (dstname, run, segment, update)
);

create table if not exists invalid_run_list (
  id serial primary key,
  dstname text not null,
  first_run int not null
);
alter table invalid_run_list
  add column if not exists last_run int not null default -1,
  add column if not exists first_segment int not null default 0,
  add column if not exists last_segment int not null default 99999,
  add column if not exists reason text,
  add column if not exists created_at timestamp not null default (now() at time zone 'utc'),
  add column if not exists expires_at timestamp not null default '2161-10-11';
