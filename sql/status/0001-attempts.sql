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
  created_at timestamp not null default (now() at time zone 'utc'),
  -- Hash of the snapshot that its jobs stage from.
  payload text
);
-- A setup is what ran: another content is another setup. The revision may be absent (rules without version), and null
-- equals null here.
create unique index production_setup_identity
  on production_setup (name, build, dbtag, hash, coalesce(revision, -1), coalesce(payload, ''), dirty);

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
  -- Where the cursor was before this submission moved it past its runs: one that is withdrawn puts it back, or those runs
  -- would never be looked at again.
  cursor_id int,
  cursor_before int,
  -- A batch system that makes the jobs of a submission one after the other may stop making them: a state of the submission,
  -- not of its attempts, which wait in the queue. It lasts until the batch system goes on, or the jobs that were never made
  -- are taken back.
  stop_kind text check (stop_kind in ('held', 'broken')),
  stop_reason text,
  stopped_at timestamp,
  stop_next int,
  -- The batch system may start a job again that has ended (max_retries, on_exit_remove, …): a failing end that the job
  -- reports is then provisional.
  can_restart boolean not null default false,
  -- With this exit code a job has done its work; null: 0.
  success_exit_code int,
  -- `product: required` in the rule: an attempt without its product is failed.
  is_product_required boolean not null default false,
  payload text,
  payload_origin jsonb,
  overridden text,
  -- Where the jobs put what they make: a product that is on disk, but that no job reported, is looked for there. Null: not
  -- known.
  product_directories text[]
);
create index submission_unconfirmed on submission (reserved_at) where state = 'reserved';
-- What condor_submit calls refused may be there as well as what was lost on the way.
create index submission_withdrawn on submission (ended_at) where state in ('lost', 'refused');
create index submission_stopped on submission (stopped_at) where stop_kind is not null;
create index submission_payload on submission (payload) where payload is not null;

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
  attempt_number int not null default 1,
  rule text,
  -- No reference: the row of a submission is written with its attempts in one transaction, and never goes; to look for it
  -- again for each of them took a fifth of a reservation.
  submission_id uuid,
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
  -- What `inputs` held when the job was dispatched, kept as soon as a job reports other inputs: a restarted job must get
  -- its own list again.
  inputs_dispatched text,
  -- Null until the end, then the same as status: what indexes may know of the state.
  final_state prodstate
    generated always as (case when status in ('finished', 'failed') then status end) stored,
  -- The latest report that was refused and that is not resolved.
  refusal text,
  -- Whether a final attempt staged out its product; null until it is final. Set together with final_state.
  has_product boolean,
  primary key (id, run, segment, prod_id)
  -- Room for the next version of every row of a page: all of a submission's are written at once when it is confirmed.
) with (fillfactor = 50);
-- A change of state that leaves all indexed columns as they are costs one row version in the same page and no index
-- entry (a "heap-only" update); so no index may depend on what changes with every report. Measured with 100,000 attempts:
-- confirming them took 2.6 s with `status` in the indexes, and 0.4 s with these; and so does each later report.

-- The guard under every path against a double submission: one live attempt a product.
-- text_pattern_ops and the included columns let a decision read the live attempts of one production by their common
-- prefix, from the index alone.
create unique index production_status_live on production_status (dstfile text_pattern_ops) include (id, final_state)
  where retired_at is null;
create index production_status_dstfile on production_status (dstfile, attempt_number);
create index production_status_run on production_status (run, segment);
create index production_status_submission on production_status (submission_id);
-- Attempts that are not final, by submission: what the batch system is asked about. Retired ones too, because their jobs
-- have to go.
create index production_status_unended on production_status (submission_id) where final_state is null;
create index production_status_refused on production_status (id) where refusal is not null;
create index production_status_lacking on production_status (id) where not has_product and retired_at is null;

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
