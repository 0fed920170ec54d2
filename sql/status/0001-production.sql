-- Production status: what was tried, under what conditions, and how it went.
-- Names and columns of the original stay; what is new stands beside them.
-- Timestamps are UTC without zone, as existing readers expect.

create type prodstate as enum (
  'submitting', 'submitted', 'started', 'running', 'held', 'evicted', 'failed', 'finished'
);

create table production_setup (
  id serial primary key,
  name text not null,
  build text not null,
  dbtag text not null,
  repo text not null,
  dir text not null,
  hash text not null,
  revision int,
  dirty boolean not null default false,
  created_at timestamp not null default (now() at time zone 'utc')
);
-- The revision may be absent (rules without version), and null equals null here.
create unique index production_setup_identity
  on production_setup (name, build, dbtag, hash, coalesce(revision, -1));

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
  ended_at timestamp
);
create index submission_unconfirmed on submission (reserved_at) where state = 'reserved';

create table production_status (
  id serial not null unique,
  dsttype text not null,
  dstname text not null,
  dstfile text not null,
  run int not null,
  segment int not null,
  nsegments int not null default 0,
  inputs text not null,
  ranges text,
  prod_id int not null references production_setup (id),
  cluster int not null default 0,
  process int not null default 0,
  status prodstate not null,
  submitting timestamp,
  submitted timestamp,
  started timestamp,
  running timestamp,
  ended timestamp,
  flags bigint not null default 0,
  exit_code int,
  nevents bigint not null default 0,
  submission_host text,
  execution_node text,
  message text,
  logsize bigint,
  last_message timestamp,
  -- beside the original's columns:
  attempt int not null default 1,
  rule text,
  submission_id uuid references submission (uuid),
  replaces int,
  start int not null default -1,
  hold_code int,
  hold_subcode int,
  retired_at timestamp,
  retired_by text,
  retired_reason text,
  cpu_seconds double precision,
  wall_seconds double precision,
  memory_mb double precision,
  disk_mb double precision,
  primary key (id, run, segment, prod_id)
);
-- The guard under every path against a double submission: one live attempt a product.
-- text_pattern_ops and the included columns let a decision read the live attempts of one production by their common
-- prefix, from the index alone.
create unique index production_status_live on production_status (dstfile text_pattern_ops) include (id, status)
  where retired_at is null;
create index production_status_dstfile on production_status (dstfile, attempt);
create index production_status_run on production_status (run, segment);
create index production_status_submission on production_status (submission_id);
create index production_status_open on production_status (status)
  where retired_at is null and status not in ('finished', 'failed');

-- What was said about an attempt; append-only. `at` is the teller's clock and part of what was said, so a
-- repeated telling lands in the same partition and meets the same key.
create table production_event (
  attempt int not null,
  source text not null,
  sequence bigint not null,
  at timestamp not null,
  start int not null,
  kind text not null,
  detail jsonb not null default '{}',
  received_at timestamp not null default (now() at time zone 'utc'),
  applied_at timestamp,
  primary key (attempt, source, sequence, at)
) partition by range (at);
create table production_event_default partition of production_event default;
create index production_event_unapplied on production_event (received_at)
  where kind = 'stageout' and applied_at is null;

create table production_cursor (
  id serial unique,
  dsttype text not null,
  build text not null,
  tag text not null,
  version int not null,
  lastrun int not null,
  primary key (dsttype, build, tag, version)
);

create table production_quality (
  id serial unique,
  dstname text not null,
  run int not null,
  segment int not null,
  stat_id int references production_status (id),
  qual jsonb,
  primary key (id, dstname, run, segment)
);

create table dataset_status (
  id serial unique,
  dstname text not null,
  run int not null,
  lastrun int not null default 0,
  revision int not null default 0,
  nsegments int not null default 0,
  parent text default 'DAQ',
  created timestamp,
  updated timestamp,
  finalized timestamp,
  broken timestamp,
  status text,
  blame text,
  primary key (dstname, run, lastrun)
);

create table cups_stats (
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

create table invalid_run_list (
  id serial primary key,
  dstname text not null,
  first_run int not null,
  last_run int not null default -1,
  first_segment int not null default 0,
  last_segment int not null default 99999,
  reason text,
  created_at timestamp not null default (now() at time zone 'utc'),
  expires_at timestamp not null default '2161-10-11'
);
create index invalid_run_list_run on invalid_run_list (first_run);
