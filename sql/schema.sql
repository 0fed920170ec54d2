-- Made by scripts/dump-schema.ts from the migrations in sql/ROLE/: change those, then 'make generate'.
-- What a migrated database holds, schema by schema; for reading and comparing, it is never run.

-- daq

create table filelist (
  filename text not null,
  runnumber integer not null,
  hostname text,
  sequence integer,
  firstevent bigint,
  lastevent bigint,
  events bigint,
  status integer,
  md5sum text,
  ctime timestamp without time zone,
  mtime timestamp without time zone,
  size bigint,
  transferred_bytes_hpss bigint,
  transferred_bytes_sdcc bigint,
  transferred_to_hpss boolean default false not null,
  transferred_to_sdcc boolean default false not null,
  constraint filelist_pkey PRIMARY KEY (filename)
);

create table run (
  runnumber integer not null,
  runtype text,
  eventsinrun bigint,
  brtimestamp timestamp without time zone,
  ertimestamp timestamp without time zone,
  constraint run_pkey PRIMARY KEY (runnumber)
);

CREATE INDEX filelist_run ON filelist USING btree (runnumber);

-- raw

create table datasets (
  filename text not null,
  runnumber integer not null,
  segment integer not null,
  size bigint,
  dataset text default 'raw'::text not null,
  dsttype text,
  events bigint,
  firstevent bigint,
  lastevent bigint,
  daqhost text,
  status integer,
  constraint datasets_pkey PRIMARY KEY (filename, dataset)
);

CREATE INDEX datasets_run ON datasets USING btree (runnumber, dsttype, dataset);

-- catalog

create table datasets (
  filename text not null,
  runnumber integer not null,
  segment integer not null,
  size bigint,
  dataset text not null,
  dsttype text not null,
  events bigint,
  firstevent bigint,
  lastevent bigint,
  tag text,
  status integer,
  daqhost text,
  constraint datasets_pkey PRIMARY KEY (filename, dataset)
);

create table files (
  lfn text not null,
  full_host_name text not null,
  full_file_path text not null,
  "time" timestamp without time zone,
  size bigint,
  md5 text,
  constraint files_pkey PRIMARY KEY (lfn, full_host_name, full_file_path)
);

CREATE INDEX datasets_filename ON datasets USING btree (filename text_pattern_ops);

CREATE INDEX datasets_run ON datasets USING btree (runnumber, dsttype, dataset);

-- status

create type prodstate as enum ('submitting', 'submitted', 'started', 'running', 'held', 'evicted', 'failed', 'finished');

create table alarm (
  id bigint not null,
  cause text not null,
  rule text,
  what text not null,
  advice text not null,
  raised_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  cleared_at timestamp without time zone,
  constraint alarm_pkey PRIMARY KEY (id)
);

create table attempt_change (
  dstname text not null,
  changes bigint default 1 not null,
  constraint attempt_change_pkey PRIMARY KEY (dstname)
);

create table bad_node (
  node text not null,
  reason text,
  found_at timestamp without time zone,
  expires_at timestamp without time zone,
  may_be_avoided boolean default false not null,
  avoided_at timestamp without time zone,
  allowed_at timestamp without time zone,
  constraint bad_node_pkey PRIMARY KEY (node)
);

create table cups_stats (
  id integer default nextval('cups_stats_id_seq'::regclass) not null,
  dstname text not null,
  run integer not null,
  segment integer not null,
  update text not null,
  started timestamp without time zone,
  ended timestamp without time zone,
  nattempts integer,
  exception text,
  constraint cups_stats_id_key UNIQUE (id),
  constraint cups_stats_pkey PRIMARY KEY (dstname, run, segment, update)
);

create table dataset_status (
  id integer default nextval('dataset_status_id_seq'::regclass) not null,
  dstname text not null,
  run integer not null,
  lastrun integer default 0 not null,
  revision integer default 0 not null,
  nsegments integer default 0 not null,
  parent text default 'DAQ'::text,
  created timestamp without time zone,
  updated timestamp without time zone,
  finalized timestamp without time zone,
  broken timestamp without time zone,
  status text,
  blame text,
  constraint dataset_status_id_key UNIQUE (id),
  constraint dataset_status_pkey PRIMARY KEY (dstname, run, lastrun)
);

create table file_owner (
  lfn text not null,
  dstfile text not null,
  cupsid integer not null,
  claimed_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint file_owner_pkey PRIMARY KEY (lfn)
);

create table invalid_run_list (
  id integer default nextval('invalid_run_list_id_seq'::regclass) not null,
  dstname text not null,
  first_run integer not null,
  last_run integer default '-1'::integer not null,
  first_segment integer default 0 not null,
  last_segment integer default 99999 not null,
  reason text,
  created_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  expires_at timestamp without time zone default '2161-10-11 00:00:00'::timestamp without time zone not null,
  constraint invalid_run_list_pkey PRIMARY KEY (id)
);

create table notification (
  id bigint not null,
  alarm_id bigint not null,
  word text not null,
  due_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  failures integer default 0 not null,
  delivered_to text[] default '{}'::text[] not null,
  problem text,
  done_at timestamp without time zone,
  constraint notification_alarm_id_fkey FOREIGN KEY (alarm_id) REFERENCES alarm(id) ON DELETE CASCADE,
  constraint notification_alarm_id_word_key UNIQUE (alarm_id, word),
  constraint notification_pkey PRIMARY KEY (id),
  constraint notification_word_check CHECK ((word = ANY (ARRAY['raised'::text, 'cleared'::text])))
);

create table payload_file (
  payload text not null,
  path text not null,
  kind text not null,
  sha256 text not null,
  size_bytes bigint not null,
  target text,
  constraint payload_file_kind_check CHECK ((kind = ANY (ARRAY['file'::text, 'program'::text, 'link'::text, 'directory'::text, 'in-place'::text]))),
  constraint payload_file_payload_fkey FOREIGN KEY (payload) REFERENCES payload_snapshot(hash) ON DELETE CASCADE,
  constraint payload_file_pkey PRIMARY KEY (payload, path)
);

create table payload_snapshot (
  hash text not null,
  size_bytes bigint not null,
  file_count integer not null,
  directory text not null,
  made_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  used_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  pruned_at timestamp without time zone,
  constraint payload_snapshot_pkey PRIMARY KEY (hash)
);

create table policy_action (
  cupsid integer not null,
  dstfile text not null,
  rule text not null,
  is_active boolean not null,
  action text not null,
  case_number integer,
  reason text not null,
  due_at timestamp without time zone,
  memory_mb integer,
  disk_mb integer,
  avoided_node text,
  decided_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  done_at timestamp without time zone,
  constraint policy_action_action_check CHECK ((action = ANY (ARRAY['retry'::text, 'give-up'::text, 'pause'::text, 'none'::text]))),
  constraint policy_action_pkey PRIMARY KEY (cupsid)
);

create table product_request (
  dstfile text not null,
  memory_mb integer,
  disk_mb integer,
  avoided_nodes text[] default '{}'::text[] not null,
  changed_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint product_request_pkey PRIMARY KEY (dstfile)
);

create table production_cursor (
  id integer default nextval('production_cursor_id_seq'::regclass) not null,
  dsttype text not null,
  build text not null,
  tag text not null,
  version integer not null,
  lastrun integer not null,
  constraint production_cursor_id_key UNIQUE (id),
  constraint production_cursor_pkey PRIMARY KEY (dsttype, build, tag, version)
);

create table production_event (
  cupsid integer not null,
  source text not null,
  sequence bigint not null,
  at timestamp without time zone not null,
  start integer not null,
  kind text not null,
  detail jsonb default '{}'::jsonb not null,
  received_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  applied_at timestamp without time zone,
  arrival bigint default nextval('production_event_arrival'::regclass) not null,
  apply_note text,
  clock_offset_ms bigint,
  constraint production_event_pkey PRIMARY KEY (cupsid, source, sequence, at)
) partition by RANGE (at);

create table production_event_default partition of production_event (
  cupsid integer not null,
  source text not null,
  sequence bigint not null,
  at timestamp without time zone not null,
  start integer not null,
  kind text not null,
  detail jsonb default '{}'::jsonb not null,
  received_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  applied_at timestamp without time zone,
  arrival bigint default nextval('production_event_arrival'::regclass) not null,
  apply_note text,
  clock_offset_ms bigint,
  constraint production_event_default_pkey PRIMARY KEY (cupsid, source, sequence, at)
) DEFAULT;

create table production_lease (
  dsttype text not null,
  build text not null,
  tag text not null,
  version integer not null,
  rule text not null,
  holder uuid not null,
  held_by text not null,
  process integer not null,
  fence bigint default nextval('production_fence'::regclass) not null,
  taken_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  expires_at timestamp without time zone not null,
  constraint production_lease_pkey PRIMARY KEY (dsttype, build, tag, version)
);

create table production_pass (
  id bigint not null,
  holder uuid not null,
  held_by text not null,
  rule text not null,
  config text not null,
  dsttype text,
  build text,
  tag text,
  version integer,
  started_at timestamp without time zone not null,
  ended_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  outcome text not null,
  reason text,
  gauge jsonb,
  funnel jsonb,
  submitted integer default 0 not null,
  next_at timestamp without time zone,
  runs integer,
  constraint production_pass_outcome_check CHECK ((outcome = ANY (ARRAY['dispatched'::text, 'unchanged'::text, 'waited'::text, 'elsewhere'::text, 'failed'::text]))),
  constraint production_pass_pkey PRIMARY KEY (id)
);

create table production_quality (
  id integer default nextval('production_quality_id_seq'::regclass) not null,
  dstname text not null,
  run integer not null,
  segment integer not null,
  stat_id integer,
  qual jsonb,
  constraint production_quality_id_key UNIQUE (id),
  constraint production_quality_pkey PRIMARY KEY (id, dstname, run, segment),
  constraint production_quality_stat_id_fkey FOREIGN KEY (stat_id) REFERENCES production_status(id)
);

create table production_setup (
  id integer default nextval('production_setup_id_seq'::regclass) not null,
  name text not null,
  build text not null,
  dbtag text not null,
  repo text not null,
  dir text not null,
  hash text not null,
  revision integer,
  dirty boolean default false not null,
  created_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  payload text,
  constraint production_setup_pkey PRIMARY KEY (id)
);

create table production_start (
  cupsid integer not null,
  start integer not null,
  last_moment timestamp without time zone not null,
  last_source text not null,
  last_sequence bigint not null,
  clock_offset_ms bigint,
  word text,
  is_provisional boolean not null,
  end_state text,
  end_code integer,
  end_arrival bigint,
  end_at timestamp without time zone,
  is_over boolean not null,
  own_code integer,
  provisional_code integer,
  is_provisional_exit boolean,
  has_product boolean not null,
  product_note text,
  started timestamp without time zone,
  running timestamp without time zone,
  last_message timestamp without time zone not null,
  flags bigint not null,
  exit_code integer,
  nevents bigint not null,
  nsegments integer not null,
  inputs text,
  execution_node text,
  is_node_started boolean not null,
  message text,
  logsize bigint,
  hold_code integer,
  hold_subcode integer,
  cpu_seconds double precision,
  wall_seconds double precision,
  memory_mb double precision,
  disk_mb double precision,
  constraint production_start_pkey PRIMARY KEY (cupsid, start)
) with (fillfactor=50);

create table production_status (
  id integer default nextval('production_status_id_seq'::regclass) not null,
  dsttype text not null,
  dstname text not null,
  dstfile text not null,
  run integer not null,
  segment integer not null,
  nsegments integer default 0 not null,
  inputs text not null,
  ranges text,
  prod_id integer not null,
  cluster integer default 0 not null,
  process integer default 0 not null,
  status prodstate not null,
  submitting timestamp without time zone,
  submitted timestamp without time zone,
  started timestamp without time zone,
  running timestamp without time zone,
  ended timestamp without time zone,
  flags bigint default 0 not null,
  exit_code integer,
  nevents bigint default 0 not null,
  submission_host text,
  execution_node text,
  message text,
  logsize bigint,
  last_message timestamp without time zone,
  attempt_number integer default 1 not null,
  rule text,
  submission_id uuid,
  replaces integer,
  start integer default '-1'::integer not null,
  hold_code integer,
  hold_subcode integer,
  retired_at timestamp without time zone,
  retired_by text,
  retired_reason text,
  cpu_seconds double precision,
  wall_seconds double precision,
  memory_mb double precision,
  disk_mb double precision,
  inputs_dispatched text,
  final_state prodstate generated always as ( CASE WHEN (status = ANY (ARRAY['finished'::prodstate, 'failed'::prodstate])) THEN status ELSE NULL::prodstate END) stored,
  refusal text,
  has_product boolean,
  constraint production_status_id_key UNIQUE (id),
  constraint production_status_pkey PRIMARY KEY (id, run, segment, prod_id),
  constraint production_status_prod_id_fkey FOREIGN KEY (prod_id) REFERENCES production_setup(id)
) with (fillfactor=50);

create table rule_breaker (
  rule text not null,
  opened_at timestamp without time zone,
  is_active boolean default false not null,
  reason text,
  counted_from timestamp without time zone,
  resumed_at timestamp without time zone,
  constraint rule_breaker_pkey PRIMARY KEY (rule)
);

create table rule_deadline (
  rule text not null,
  state text not null,
  seconds double precision not null,
  constraint rule_deadline_pkey PRIMARY KEY (rule, state),
  constraint rule_deadline_seconds_check CHECK ((seconds > (0)::double precision))
);

create table rule_input (
  holder uuid not null,
  rule text not null,
  name text not null,
  is_prefix boolean not null,
  constraint rule_input_pkey PRIMARY KEY (holder, rule, name, is_prefix)
);

create table rule_pause (
  rule text not null,
  reason text not null,
  paused_by text not null,
  paused_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint rule_pause_pkey PRIMARY KEY (rule)
);

create table scout_memory (
  dsttype text not null,
  build text not null,
  tag text not null,
  version integer not null,
  rule text not null,
  settings jsonb not null,
  measured integer not null,
  peak_mb double precision not null,
  memory_mb integer not null,
  decided_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint scout_memory_pkey PRIMARY KEY (dsttype, build, tag, version)
);

create unlogged table sign_of_life (
  cupsid integer not null,
  start integer not null,
  sequence bigint not null,
  at timestamp without time zone not null,
  received_at timestamp without time zone not null,
  events bigint,
  memory_bytes bigint,
  disk_bytes bigint,
  constraint sign_of_life_pkey PRIMARY KEY (cupsid)
) with (fillfactor=50);

create table site_check (
  name text not null,
  done_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint site_check_pkey PRIMARY KEY (name)
);

create table submission (
  uuid uuid not null,
  rule text not null,
  backend text not null,
  schedd text,
  cluster integer,
  state text default 'reserved'::text not null,
  count integer not null,
  submission_host text not null,
  submitted_by text not null,
  directory text,
  message text,
  reserved_at timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  ended_at timestamp without time zone,
  cursor_id integer,
  cursor_before integer,
  stop_kind text,
  stop_reason text,
  stopped_at timestamp without time zone,
  stop_next integer,
  can_restart boolean default false not null,
  success_exit_code integer,
  is_product_required boolean default false not null,
  payload text,
  payload_origin jsonb,
  overridden text,
  product_directories text[],
  constraint submission_pkey PRIMARY KEY (uuid),
  constraint submission_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'confirmed'::text, 'refused'::text, 'lost'::text]))),
  constraint submission_stop_kind_check CHECK ((stop_kind = ANY (ARRAY['held'::text, 'broken'::text])))
);

create table triggered_run (
  holder uuid not null,
  rule text not null,
  run integer not null,
  arrivals bigint default 1 not null,
  since timestamp without time zone default (now() AT TIME ZONE 'utc'::text) not null,
  constraint triggered_run_pkey PRIMARY KEY (holder, rule, run)
);

CREATE INDEX alarm_cleared ON alarm USING btree (cleared_at) WHERE cleared_at IS NOT NULL;

CREATE UNIQUE INDEX alarm_open ON alarm USING btree (cause text_pattern_ops) WHERE cleared_at IS NULL;

CREATE INDEX invalid_run_list_run ON invalid_run_list USING btree (first_run);

CREATE INDEX notification_due ON notification USING btree (due_at) WHERE done_at IS NULL;

CREATE INDEX payload_file_sha256 ON payload_file USING btree (sha256);

CREATE INDEX policy_action_rule ON policy_action USING btree (rule) WHERE done_at IS NULL;

CREATE INDEX production_event_refused ON ONLY production_event USING btree (cupsid) WHERE kind = 'refused'::text AND applied_at IS NULL;

CREATE INDEX production_event_unapplied ON ONLY production_event USING btree (received_at) WHERE kind = 'stageout'::text AND applied_at IS NULL;

CREATE INDEX production_lease_holder ON production_lease USING btree (holder);

CREATE INDEX production_pass_ended ON production_pass USING btree (ended_at);

CREATE INDEX production_pass_rule ON production_pass USING btree (rule, id DESC);

CREATE UNIQUE INDEX production_setup_identity ON production_setup USING btree (name, build, dbtag, hash, COALESCE(revision, '-1'::integer), COALESCE(payload, ''::text), dirty);

CREATE INDEX production_status_dstfile ON production_status USING btree (dstfile, attempt_number);

CREATE INDEX production_status_ended ON production_status USING btree (rule, final_state, ended) WHERE final_state IS NOT NULL;

CREATE INDEX production_status_failed ON production_status USING btree (rule) WHERE final_state = 'failed'::prodstate AND retired_at IS NULL;

CREATE INDEX production_status_lacking ON production_status USING btree (id) WHERE NOT has_product AND retired_at IS NULL;

CREATE UNIQUE INDEX production_status_live ON production_status USING btree (dstfile text_pattern_ops) INCLUDE (id, final_state) WHERE retired_at IS NULL;

CREATE INDEX production_status_refused ON production_status USING btree (id) WHERE refusal IS NOT NULL;

CREATE INDEX production_status_run ON production_status USING btree (run, segment);

CREATE INDEX production_status_submission ON production_status USING btree (submission_id);

CREATE INDEX production_status_unended ON production_status USING btree (submission_id) WHERE final_state IS NULL;

CREATE INDEX submission_payload ON submission USING btree (payload) WHERE payload IS NOT NULL;

CREATE INDEX submission_stopped ON submission USING btree (stopped_at) WHERE stop_kind IS NOT NULL;

CREATE INDEX submission_unconfirmed ON submission USING btree (reserved_at) WHERE state = 'reserved'::text;

CREATE INDEX submission_withdrawn ON submission USING btree (ended_at) WHERE state = ANY (ARRAY['lost'::text, 'refused'::text]);

CREATE OR REPLACE FUNCTION correct_clocks(events jsonb, allowed integer[])
 RETURNS integer[]
 LANGUAGE sql
BEGIN ATOMIC
 WITH corrected AS (
          UPDATE production_event e SET clock_offset_ms = i.clock_offset_ms
            FROM event_items(correct_clocks.events) i(item, cupsid, source, sequence, start, at, kind, detail, submission, clock_offset_ms)
           WHERE ((e.cupsid = i.cupsid) AND (e.cupsid = ANY (correct_clocks.allowed)) AND (e.source = i.source) AND (e.sequence = i.sequence) AND (e.clock_offset_ms IS NULL) AND (i.clock_offset_ms IS NOT NULL))
           RETURNING e.cupsid
         )
  SELECT array_agg(DISTINCT corrected.cupsid) AS array_agg
    FROM corrected;
END
;

CREATE OR REPLACE FUNCTION count_attempt_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'status'
AS $function$
begin
  insert into attempt_change as counted (dstname)
  select distinct name from unnest(array[old.dstname, new.dstname]) as n (name) order by name
  on conflict (dstname) do update set changes = counted.changes + 1;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION count_attempt_changes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'status'
AS $function$
begin
  insert into attempt_change as counted (dstname)
  select distinct dstname from changed order by dstname
  on conflict (dstname) do update set changes = counted.changes + 1;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION count_attempts_truncated()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'status'
AS $function$
begin
  update attempt_change set changes = changes + 1;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION ending_of(kind text, detail jsonb, success_exit_code integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (kind = ANY (ARRAY['finished'::text, 'exitcode'::text])) THEN CASE WHEN ((((detail ->> 'exitCode'::text))::integer > 0) AND (((detail ->> 'exitCode'::text))::integer IS DISTINCT FROM success_exit_code)) THEN 'failed'::text ELSE 'finished'::text END WHEN (kind = 'exited'::text) THEN CASE WHEN (((detail ->> 'exitCode'::text))::integer = COALESCE(success_exit_code, 0)) THEN 'finished'::text ELSE 'failed'::text END WHEN (kind = ANY (ARRAY['removed'::text, 'vanished'::text])) THEN 'failed'::text ELSE NULL::text END
;

CREATE OR REPLACE FUNCTION ensure_event_partitions(months_before integer DEFAULT 1, months_after integer DEFAULT 2)
 RETURNS SETOF text
 LANGUAGE plpgsql
 SET search_path TO 'status'
AS $function$
declare
  first date;
  name text;
begin
  perform pg_advisory_xact_lock(hashtext('slurp event partitions'));
  for first in
    select generate_series(
      date_trunc('month', now() at time zone 'utc') - make_interval(months => months_before),
      date_trunc('month', now() at time zone 'utc') + make_interval(months => months_after),
      interval '1 month'
    )::date
  loop
    name := 'production_event_' || to_char(first, 'YYYY_MM');
    continue when to_regclass(quote_ident(name)) is not null;
    execute format('create table %I (like production_event including all)', name);
    lock table production_event_default in access exclusive mode;
    execute format(
      'with moved as (delete from production_event_default where at >= %L and at < %L returning *)
       insert into %I select * from moved',
      first, first + interval '1 month', name
    );
    execute format(
      'alter table production_event attach partition %I for values from (%L) to (%L)',
      name, first, first + interval '1 month'
    );
    return next name;
  end loop;
end
$function$
;

CREATE OR REPLACE FUNCTION event_facts(kind text, detail jsonb, source text, dstfile text, dstname text, success_exit_code integer)
 RETURNS TABLE(rank integer, ending text, code integer, is_outside boolean, is_own_failure boolean, is_product boolean, flag bigint, nevents bigint, is_nevents_set boolean, nsegments integer, inputs text, node text, message text, logsize bigint)
 LANGUAGE sql
 IMMUTABLE
BEGIN ATOMIC
 SELECT rank_of(event_facts.kind) AS rank_of,
     r.ending,
         CASE
             WHEN (r.ending IS NOT NULL) THEN ((event_facts.detail ->> 'exitCode'::text))::integer
             ELSE NULL::integer
         END AS "case",
     ((event_facts.source ~~ 'batch:%'::text) OR (event_facts.source ~~ 'operator:%'::text)),
     ((event_facts.kind = ANY (ARRAY['finished'::text, 'exitcode'::text])) AND (r.ending = 'failed'::text)),
     ((event_facts.kind = 'stageout'::text) AND is_file_of((event_facts.detail #>> '{file,lfn}'::text[]), event_facts.dstfile, event_facts.dstname)),
         CASE
             WHEN (event_facts.kind = 'message'::text) THEN COALESCE(((event_facts.detail ->> 'flag'::text))::bigint, (0)::bigint)
             ELSE (0)::bigint
         END AS "case",
         CASE
             WHEN (event_facts.kind = ANY (ARRAY['finished'::text, 'nevents'::text, 'stageout'::text])) THEN COALESCE(((event_facts.detail ->> 'nevents'::text))::bigint, (0)::bigint)
             ELSE (0)::bigint
         END AS "case",
     ((event_facts.kind = ANY (ARRAY['finished'::text, 'nevents'::text, 'stageout'::text])) AND (event_facts.detail ? 'nevents'::text) AND (NOT COALESCE(((event_facts.detail ->> 'isIncrement'::text))::boolean, false))),
         CASE
             WHEN (event_facts.kind = ANY (ARRAY['finished'::text, 'running'::text])) THEN ((event_facts.detail ->> 'nsegments'::text))::integer
             ELSE NULL::integer
         END AS "case",
         CASE
             WHEN (event_facts.kind = 'inputs'::text) THEN joined_inputs((event_facts.detail -> 'files'::text))
             ELSE NULL::text
         END AS "case",
         CASE
             WHEN (event_facts.kind = ANY (ARRAY['started'::text, 'exited'::text])) THEN (event_facts.detail ->> 'node'::text)
             ELSE NULL::text
         END AS "case",
     message_of(event_facts.kind, event_facts.detail) AS message_of,
         CASE
             WHEN (event_facts.kind = 'message'::text) THEN ((event_facts.detail ->> 'logsize'::text))::bigint
             ELSE NULL::bigint
         END AS "case"
    FROM ( SELECT ending_of(event_facts.kind, event_facts.detail, event_facts.success_exit_code) AS ending) r;
END
;

CREATE OR REPLACE FUNCTION event_items(events jsonb)
 RETURNS TABLE(item integer, cupsid integer, source text, sequence bigint, start integer, at timestamp without time zone, kind text, detail jsonb, submission uuid, clock_offset_ms bigint)
 LANGUAGE sql
 STABLE
AS $function$
  select (position - 1)::int, e.cupsid, e.source, e.sequence, e.start, e.at, e.detail ->> 'kind', e.detail - 'kind',
         e.submission, e."clockOffsetMs"
  from rows from (
    jsonb_to_recordset(events) as (
      cupsid int, source text, sequence bigint, start int, at timestamp, detail jsonb, submission uuid,
      "clockOffsetMs" bigint
    )
  ) with ordinality as e (cupsid, source, sequence, start, at, detail, submission, "clockOffsetMs", position)
$function$
;

CREATE OR REPLACE FUNCTION event_moment(at timestamp without time zone, clock_offset_ms bigint, received_at timestamp without time zone)
 RETURNS timestamp without time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN LEAST(CASE WHEN (abs(clock_offset_ms) > 60000) THEN (at + ((clock_offset_ms)::double precision * '00:00:00.001'::interval)) ELSE at END, received_at)
;

CREATE OR REPLACE FUNCTION fold_events(cupsids integer[])
 RETURNS TABLE(cupsid integer, start integer, state prodstate, is_final boolean, is_success boolean, has_product boolean, started timestamp without time zone, running timestamp without time zone, ended timestamp without time zone, last_message timestamp without time zone, flags bigint, exit_code integer, nevents bigint, nsegments integer, inputs text, execution_node text, message text, logsize bigint, hold_code integer, hold_subcode integer, cpu_seconds double precision, wall_seconds double precision, memory_mb double precision, disk_mb double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 WITH starts AS MATERIALIZED (
          SELECT p.cupsid,
             p.start,
             p.last_moment,
             p.last_source,
             p.last_sequence,
             p.clock_offset_ms,
             p.word,
             p.is_provisional,
             p.end_state,
             p.end_code,
             p.end_arrival,
             p.end_at,
             p.is_over,
             p.own_code,
             p.provisional_code,
             p.is_provisional_exit,
             p.has_product,
             p.product_note,
             p.started,
             p.running,
             p.last_message,
             p.flags,
             p.exit_code,
             p.nevents,
             p.nsegments,
             p.inputs,
             p.execution_node,
             p.is_node_started,
             p.message,
             p.logsize,
             p.hold_code,
             p.hold_subcode,
             p.cpu_seconds,
             p.wall_seconds,
             p.memory_mb,
             p.disk_mb
            FROM production_start p
           WHERE (p.cupsid = ANY (fold_events.cupsids))
         ), ending AS (
          SELECT DISTINCT ON (s_1.cupsid) s_1.cupsid,
             s_1.start,
             s_1.end_state,
             s_1.end_at,
                 CASE
                     WHEN (s_1.end_state = 'failed'::text) THEN COALESCE(s_1.own_code, s_1.end_code)
                     ELSE s_1.end_code
                 END AS end_code
            FROM starts s_1
           WHERE (s_1.end_arrival IS NOT NULL)
           ORDER BY s_1.cupsid, s_1.end_arrival
         ), deciding AS (
          SELECT s_1.cupsid,
             COALESCE(max(e.start) FILTER (WHERE (e.start >= 0)), max(s_1.start)) AS start,
             bool_or((s_1.is_over AND ((e.cupsid IS NULL) OR (s_1.start >= e.start)))) AS is_over,
             bool_or(s_1.has_product) AS has_product,
             max(s_1.product_note) AS product_note
            FROM (starts s_1
              LEFT JOIN ending e ON ((e.cupsid = s_1.cupsid)))
           GROUP BY s_1.cupsid
         ), decided AS (
          SELECT d_1.cupsid,
             d_1.start,
             d_1.has_product,
             d_1.product_note,
             p.dstfile,
             e.end_state,
             e.end_at,
             e.end_code,
             (l.is_missing AND d_1.is_over) AS is_missing,
             ((e.cupsid IS NOT NULL) AND (d_1.is_over OR (NOT l.is_missing))) AS is_final
            FROM ((((deciding d_1
              JOIN production_status p ON ((p.id = d_1.cupsid)))
              LEFT JOIN submission b ON ((b.uuid = p.submission_id)))
              LEFT JOIN ending e ON ((e.cupsid = d_1.cupsid)))
              CROSS JOIN LATERAL ( SELECT (COALESCE((b.is_product_required AND (e.end_state = 'finished'::text)), false) AND (NOT d_1.has_product)) AS is_missing) l)
         )
  SELECT d.cupsid,
     d.start,
         CASE
             WHEN (NOT d.is_final) THEN (
             CASE
                 WHEN s.is_provisional THEN 'evicted'::text
                 WHEN (s.word = 'released'::text) THEN 'submitted'::text
                 ELSE s.word
             END)::prodstate
             WHEN d.is_missing THEN 'failed'::prodstate
             ELSE (d.end_state)::prodstate
         END AS end_state,
     d.is_final,
         CASE
             WHEN d.is_final THEN (d.end_state = 'finished'::text)
             ELSE NULL::boolean
         END AS "case",
         CASE
             WHEN d.is_final THEN d.has_product
             ELSE NULL::boolean
         END AS "case",
     s.started,
     s.running,
         CASE
             WHEN d.is_final THEN d.end_at
             ELSE NULL::timestamp without time zone
         END AS "case",
     s.last_message,
     s.flags,
         CASE
             WHEN d.is_final THEN COALESCE(d.end_code, s.exit_code)
             ELSE s.provisional_code
         END AS provisional_code,
     s.nevents,
     s.nsegments,
     s.inputs,
     s.execution_node,
         CASE
             WHEN (d.is_final AND d.is_missing) THEN format('Ended without its product ''%s'': %s'::text, d.dstfile, COALESCE(d.product_note, 'no file of that name was staged out'::text))
             WHEN (d.is_final OR (s.provisional_code IS NULL)) THEN s.message
             ELSE COALESCE(s.message, format('Ended with exit code %s; the batch system may start it again'::text, s.provisional_code))
         END AS "coalesce",
     s.logsize,
     s.hold_code,
     s.hold_subcode,
     s.cpu_seconds,
     s.wall_seconds,
     s.memory_mb,
     s.disk_mb
    FROM (decided d
      JOIN starts s ON (((s.cupsid = d.cupsid) AND (s.start = d.start))));
END
;

CREATE OR REPLACE FUNCTION fold_starts(cupsids integer[])
 RETURNS SETOF production_start
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
    with asked as materialized (
      select s.id as cupsid, coalesce(b.can_restart, false) as can_restart, b.success_exit_code,
        s.dstfile, s.dstname
      from production_status s left join submission b on b.uuid = s.submission_id
      where s.id = any (cupsids)
    ),
    said as materialized (
      select e.cupsid, e.source, e.sequence, e.start, e.arrival, e.kind, e.detail, e.clock_offset_ms, a.can_restart,
        event_moment(e.at, e.clock_offset_ms, e.received_at) as at,
        ending_of(e.kind, e.detail, a.success_exit_code) as ending,
        e.kind = 'stageout' and is_file_of(e.detail #>> '{file,lfn}', a.dstfile, a.dstname) as is_product,
        case when e.applied_at is null then e.apply_note end as apply_note
      from production_event e join asked a on a.cupsid = e.cupsid
      where e.cupsid = any (cupsids)
    ),
    told as (
      select t.*, row_number() over (partition by t.cupsid, t.start order by t.moment, t.source, t.sequence) as nth
      from (
        select s.*, max(s.at) over (partition by s.cupsid, s.source order by s.sequence) as moment from said s
      ) t
    ),
    read as materialized (
      select t.cupsid, t.start, t.source, t.sequence, t.moment, t.kind, t.at, t.nth, t.arrival, t.detail, t.can_restart, t.ending,
        t.is_product, t.apply_note,
        rank_of(t.kind) as rank,
        -- A file that does not come into the catalog counts for nothing.
        case
          when t.kind in ('finished', 'nevents', 'stageout') and t.apply_note is null then (t.detail ->> 'nevents')::bigint
        end as nevents,
        case
          when t.kind = 'stageout' then case when t.apply_note is null then 1 end
          when t.kind in ('finished', 'running') then (t.detail ->> 'nsegments')::int
        end as nsegments,
        message_of(t.kind, t.detail) as message,
        max(t.nth) filter (
          where t.kind in ('finished', 'nevents', 'stageout') and t.apply_note is null and t.detail ? 'nevents'
            and not coalesce((t.detail ->> 'isIncrement')::boolean, false)
        ) over (partition by t.cupsid, t.start) as nevents_from,
        max(t.nth) filter (where t.kind in ('finished', 'running') and t.detail ? 'nsegments')
          over (partition by t.cupsid, t.start) as nsegments_from
      from told t
    ),
    -- Few events are ends, so what is about them alone is worked out apart.
    judged as (
      select j.*, j.is_outside and j.is_after_failure as is_contradicted,
        -- An end that the job reports may be provisional. What the script said goes before the exit code of the whole job.
        not j.can_restart or j.is_outside
          or (j.ending = 'finished' and not (j.kind = 'exited' and j.is_after_failure)) as is_end
      from (
        select r.*,
          r.can_restart and coalesce(
            min(r.arrival) filter (where r.is_own_failure) over (partition by r.cupsid, r.start) < r.arrival, false
          ) as is_after_failure
        from (
          select r.cupsid, r.start, r.kind, r.at, r.nth, r.arrival, r.can_restart, r.ending,
            (r.detail ->> 'exitCode')::int as code,
            r.source like 'batch:%' or r.source like 'operator:%' as is_outside,
            r.kind in ('finished', 'exitcode') and r.ending = 'failed' as is_own_failure
          from read r
          where r.ending is not null
        ) r
      ) j
    ),
    ended as (
      select j.cupsid, j.start,
        (array_agg(case when j.is_contradicted then 'failed' else j.ending end order by j.arrival)
          filter (where j.is_end))[1] as end_state,
        (array_agg(j.code order by j.arrival) filter (where j.is_end))[1] as end_code,
        min(j.arrival) filter (where j.is_end) as end_arrival,
        min(j.at) as end_at,
        bool_or(j.kind in ('exited', 'removed', 'vanished')) as is_over,
        (array_agg(j.code order by j.nth) filter (where j.is_own_failure))[1] as own_code,
        (array_agg(j.code order by j.kind = 'exited', j.nth) filter (where not j.is_end))[1] as provisional_code,
        bool_and(j.kind = 'exited') filter (where not j.is_end) as is_provisional_exit,
        max(j.nth) filter (where not j.is_end) as provisional_nth
      from judged j
      group by j.cupsid, j.start
    ),
    folded as (
      select r.cupsid, r.start,
        max(r.moment) as last_moment,
        (array_agg(r.source order by r.nth desc))[1] as last_source,
        (array_agg(r.sequence order by r.nth desc))[1] as last_sequence,
        (array_agg(r.kind order by r.rank desc, r.nth desc) filter (where r.rank is not null))[1] as word,
        max(r.nth) filter (where r.rank = 4) as word_nth,
        bool_or(r.is_product and r.apply_note is null) as has_product,
        max(r.apply_note) filter (where r.is_product) as product_note,
        min(r.at) filter (where r.kind = 'started') as started,
        min(r.at) filter (where r.kind = 'running') as running,
        max(r.at) as last_message,
        coalesce(bit_or((r.detail ->> 'flag')::bigint) filter (where r.kind = 'message'), 0) as flags,
        max((r.detail ->> 'exitCode')::int) filter (where r.kind = 'exited') as exit_code,
        coalesce(sum(r.nevents) filter (where r.nth >= coalesce(r.nevents_from, 0)), 0)::bigint as nevents,
        coalesce(sum(r.nsegments) filter (where r.nth >= coalesce(r.nsegments_from, 0)), 0)::int as nsegments,
        (array_agg(r.detail -> 'files' order by r.nth desc) filter (where r.kind = 'inputs'))[1] as files,
        (array_agg(r.detail ->> 'node' order by r.kind = 'exited', r.nth desc)
          filter (where r.kind in ('started', 'exited') and r.detail ? 'node'))[1] as execution_node,
        coalesce(bool_or(r.kind = 'started' and r.detail ? 'node'), false) as is_node_started,
        (array_agg(r.message order by r.nth desc) filter (where r.message is not null))[1] as message,
        (array_agg((r.detail ->> 'logsize')::bigint order by r.nth desc)
          filter (where r.kind = 'message' and r.detail ? 'logsize'))[1] as logsize,
        (array_agg(r.detail order by r.nth desc) filter (where r.kind = 'held'))[1] as held,
        max((r.detail ->> 'cpuSeconds')::double precision) filter (where r.kind = 'exited') as cpu_seconds,
        max((r.detail ->> 'wallSeconds')::double precision) filter (where r.kind = 'exited') as wall_seconds,
        max((r.detail ->> 'memoryMb')::double precision) filter (where r.kind = 'exited') as memory_mb,
        max((r.detail ->> 'diskMb')::double precision) filter (where r.kind = 'exited') as disk_mb
      from read r
      group by r.cupsid, r.start
    ),
    clocks as (
      select distinct on (s.cupsid, s.source) s.cupsid, s.source, s.clock_offset_ms
      from said s
      where s.clock_offset_ms is not null
      order by s.cupsid, s.source, s.sequence desc
    )
    select f.cupsid, f.start, f.last_moment, f.last_source, f.last_sequence, c.clock_offset_ms,
      f.word, coalesce(e.provisional_nth > coalesce(f.word_nth, 0), false),
      e.end_state, e.end_code, e.end_arrival, e.end_at, coalesce(e.is_over, false), e.own_code,
      e.provisional_code, e.is_provisional_exit, f.has_product, f.product_note,
      f.started, f.running, f.last_message, f.flags, f.exit_code, f.nevents, f.nsegments,
      joined_inputs(f.files), f.execution_node, f.is_node_started, f.message, f.logsize,
      (f.held ->> 'code')::int, (f.held ->> 'subcode')::int,
      f.cpu_seconds, f.wall_seconds, f.memory_mb, f.disk_mb
    from folded f
    left join ended e on e.cupsid = f.cupsid and e.start = f.start
    left join clocks c on c.cupsid = f.cupsid and c.source = f.last_source;
end
$function$
;

CREATE OR REPLACE FUNCTION is_file_of(lfn text, dstfile text, dstname text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (lfn = ANY (ARRAY[(dstfile || '.root'::text), (dstfile || '.prdf'::text), (((dstname || '_v000'::text) || substr(dstfile, (length(dstname) + 1))) || '.root'::text), (((dstname || '_v000'::text) || substr(dstfile, (length(dstname) + 1))) || '.prdf'::text)]))
;

CREATE OR REPLACE FUNCTION joined_inputs(files jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (files IS NULL) THEN NULL::text WHEN (files = '[]'::jsonb) THEN 'unset'::text ELSE (SELECT string_agg(l.file, ','::text ORDER BY l.n) AS string_agg FROM jsonb_array_elements_text(joined_inputs.files) WITH ORDINALITY l(file, n)) END
;

CREATE OR REPLACE FUNCTION message_of(kind text, detail jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (kind = 'message'::text) THEN (detail ->> 'text'::text) WHEN (kind = 'stageout'::text) THEN (('last stageout '::text || (detail #>> '{file,lfn}'::text[])) || COALESCE((': '::text || (detail ->> 'remark'::text)), ''::text)) WHEN (kind = ANY (ARRAY['held'::text, 'evicted'::text, 'removed'::text, 'vanished'::text])) THEN (detail ->> 'reason'::text) ELSE NULL::text END
;

CREATE OR REPLACE FUNCTION note_datasets(noted jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
AS $function$
begin
  -- First what names its runs: the second round looks for it.
  for names_runs in reverse 1..0 loop
    insert into dataset_status as d (
      dstname, run, lastrun, revision, nsegments, parent, created, updated, finalized, broken, status, blame
    )
    select f.dstname, f.run, f.lastrun,
      count(*) filter (where f.word = 'created'), count(*) filter (where f.word = 'updated'),
      coalesce((array_agg(f.parent order by f.at desc) filter (where f.parent is not null))[1], 'DAQ'),
      max(f.at) filter (where f.word = 'created'), max(f.at) filter (where f.word = 'updated'),
      max(f.at) filter (where f.word = 'finalized'), max(f.at) filter (where f.word = 'broken'),
      (array_agg(f.word order by f.at desc, f.sequence desc))[1],
      (array_agg(f.blame order by f.at desc, f.sequence desc))[1]
    from (
      select e.at, e.sequence, w.dstname, w.run, w.word, w.parent, w.blame,
        coalesce(
          w."lastRun",
          case when w.word <> 'created' then (
            select s.lastrun from dataset_status s
            where s.dstname = w.dstname and s.run = w.run
            order by s.created desc nulls last, s.id desc
            limit 1
          ) end,
          0
        ) as lastrun
      from noted_events(noted) e
      cross join jsonb_to_record(e.detail) as w (
        word text, dstname text, run int, "lastRun" int, parent text, blame text
      )
      where e.kind = 'dataset' and (w."lastRun" is not null or w.word = 'created') = (names_runs = 1)
    ) f
    group by f.dstname, f.run, f.lastrun
    order by f.dstname, f.run, f.lastrun
    on conflict (dstname, run, lastrun) do update set
      revision = d.revision + excluded.revision,
      nsegments = d.nsegments + excluded.nsegments,
      parent = case when excluded.created is null or excluded.parent = 'DAQ' then d.parent else excluded.parent end,
      created = greatest(d.created, excluded.created),
      updated = greatest(d.updated, excluded.updated),
      finalized = greatest(d.finalized, excluded.finalized),
      broken = greatest(d.broken, excluded.broken),
      (status, blame) = (
        select v.status, v.blame
        from (values
          (0, greatest(d.created, d.updated, d.finalized, d.broken), d.status, d.blame),
          (1, greatest(excluded.created, excluded.updated, excluded.finalized, excluded.broken),
            excluded.status, excluded.blame)
        ) as v (age, at, status, blame)
        order by v.at desc nulls last, v.age desc
        limit 1
      );
  end loop;
end
$function$
;

CREATE OR REPLACE FUNCTION note_refusals(noted jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
AS $function$
begin
  update production_status s
  set refusal = f.refusal
  from (
    select distinct on (e.cupsid) e.cupsid,
      (e.detail ->> 'report') || ': ' || (e.detail ->> 'reason') as refusal
    from noted_events(noted) e
    where e.kind = 'refused'
    order by e.cupsid, e.arrival desc
  ) f
  where s.id = f.cupsid;
end
$function$
;

CREATE OR REPLACE FUNCTION noted_events(noted jsonb)
 RETURNS TABLE(cupsid integer, kind text, at timestamp without time zone, sequence bigint, arrival bigint, detail jsonb)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT e.cupsid,
     e.kind,
     e.at,
     e.sequence,
     e.arrival,
     e.detail
    FROM jsonb_to_recordset(noted_events.noted) e(cupsid integer, kind text, at timestamp without time zone, sequence bigint, arrival bigint, detail jsonb);
END
;

CREATE OR REPLACE FUNCTION rank_of(kind text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE kind WHEN 'started'::text THEN 2 WHEN 'running'::text THEN 3 WHEN 'held'::text THEN 4 WHEN 'evicted'::text THEN 4 WHEN 'released'::text THEN 4 ELSE NULL::integer END
;

CREATE OR REPLACE FUNCTION record_events(events jsonb)
 RETURNS TABLE(item integer, outcome text, go boolean, reason text)
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  received timestamp := now() at time zone 'utc';
  allowed int[];
  outcomes text[];
  -- Of each `started` that is allowed: its place in the list, and its key.
  asking int[];
  asking_ids int[];
  sources text[];
  sequences bigint[];
  touched int[];
  again int[];
  -- New events that say more than the state of their attempt.
  noted jsonb;
  has_wrong_clock boolean;
begin
  select array_agg(l.id) into allowed
  from (
    select s.id
    from (select distinct i.cupsid, i.submission from jsonb_to_recordset(events) as i (cupsid int, submission uuid)) i
    join production_status s on s.id = i.cupsid and (i.submission is null or i.submission = s.submission_id)
    order by s.id for no key update of s
  ) l;

  with recursive item as materialized (
    select i.*, s.id is not null as is_known,
      s.id is not null and coalesce(i.submission is null or i.submission = s.submission_id, false) as is_allowed,
      s.submission_id, s.dstfile, s.dstname
    from event_items(events) i left join production_status s on s.id = i.cupsid
  ),
  -- What is known of their attempts so far.
  known as materialized (
    select p.* from production_start p where p.cupsid = any (allowed)
  ),
  latest as materialized (
    select distinct on (k.cupsid) k.cupsid, k.last_moment, k.last_source, k.last_sequence, k.clock_offset_ms
    from known k
    order by k.cupsid, k.last_moment desc, k.last_source desc, k.last_sequence desc
  ),
  -- The last event of an attempt is the last of its source: what is known of other sources has to be looked up.
  recorded as materialized (
    select r.*
    from (
      select array_agg(i.item) as items, array_agg(i.cupsid) as cupsids, array_agg(i.source) as source_names,
        array_agg(i.sequence) as sequences
      from item i join latest a on a.cupsid = i.cupsid
      where i.is_allowed and not (i.source = a.last_source and i.sequence > a.last_sequence)
    ) l, recorded_of(l.items, l.cupsids, l.source_names, l.sequences) r
  ),
  -- The key is (cupsid, source, sequence); the table's own has the month in it, because it is partitioned.
  fresh as materialized (
    select f.*, nextval('production_event_arrival') as arrival,
      -- Of a spool that came home by copy only that is known which an earlier report of it has shown.
      case when f.start >= 0 then f.source_offset else f.own_offset end as clock_offset_ms,
      event_moment(f.at_theirs, case when f.start >= 0 then f.source_offset else f.own_offset end, received) as at
    from (
      select distinct on (i.cupsid, i.source, i.sequence)
        i.item, i.cupsid, i.source, i.sequence, i.start, i.at as at_theirs, i.kind, i.detail, i.clock_offset_ms as own_offset,
        case
          when i.clock_offset_ms is not null then i.clock_offset_ms
          when i.source = a.last_source and i.sequence > a.last_sequence then a.clock_offset_ms
          else r.clock_offset_ms
        end as source_offset,
        a.last_moment, a.last_source, a.last_sequence, r.last_recorded, i.submission_id, i.dstfile, i.dstname
      from item i
      left join latest a on a.cupsid = i.cupsid
      left join recorded r on r.item = i.item
      where i.is_allowed and r.is_recorded is not true
      order by i.cupsid, i.source, i.sequence, i.item
    ) f
    order by f.item
  ),
  -- Where each event belongs, if all before it are in order.
  placed as materialized (
    select f.*,
      greatest(f.last_moment, max(f.at) over so_far) as moment,
      greatest(f.last_moment, max(f.at) over before) as moment_before,
      coalesce(lag(f.source) over so_far, f.last_source) as source_before,
      coalesce(lag(f.sequence) over so_far, f.last_sequence) as sequence_before,
      max(f.sequence) over own as own_sequence_before,
      max(f.own_offset) over own as own_offset_before
    from fresh f
    window own as (partition by f.cupsid, f.source order by f.item rows between unbounded preceding and 1 preceding),
      so_far as (partition by f.cupsid order by f.item),
      before as (partition by f.cupsid order by f.item rows between unbounded preceding and 1 preceding)
  ),
  late as materialized (
    select p.cupsid from placed p
    where case
      -- What is known of the clock of a source is that of its last event that knows it.
      when p.own_offset is null and p.own_offset_before is not null then true
      when p.source_before is null then false
      when p.source = p.source_before then p.sequence < p.sequence_before
      else (p.at, p.source) <= (p.moment_before, p.source_before)
        or coalesce(p.own_sequence_before > p.sequence, false)
        or coalesce(p.last_recorded > p.sequence, false)
    end
  ),
  step as materialized (
    select p.cupsid, p.start, p.source, p.sequence, p.kind, p.detail, p.at, p.moment, p.arrival, p.source_offset,
      coalesce(b.can_restart, false) as can_restart,
      row_number() over (partition by p.cupsid, p.start order by p.item) as nth,
      f.*
    from placed p
    left join submission b on b.uuid = p.submission_id
    cross join lateral event_facts(p.kind, p.detail, p.source, p.dstfile, p.dstname, b.success_exit_code) f
    where p.cupsid not in (select l.cupsid from late l)
  ),
  -- Each round folds the next event of every start.
  folded (
    nth, count, cupsid, start,
    last_moment, last_source, last_sequence, clock_offset_ms, word, is_provisional, end_state, end_code, end_arrival,
    end_at, is_over, own_code, provisional_code, is_provisional_exit, has_product, product_note, started, running,
    last_message, flags, exit_code, nevents, nsegments, inputs, execution_node, is_node_started, message, logsize,
    hold_code, hold_subcode, cpu_seconds, wall_seconds, memory_mb, disk_mb
  ) as (
    select 0::bigint, k.count, k.cupsid, k.start,
      p.last_moment, p.last_source, p.last_sequence, p.clock_offset_ms, p.word, coalesce(p.is_provisional, false),
      p.end_state, p.end_code, p.end_arrival, p.end_at, coalesce(p.is_over, false), p.own_code, p.provisional_code,
      p.is_provisional_exit, coalesce(p.has_product, false), p.product_note, p.started, p.running, p.last_message,
      coalesce(p.flags, 0), p.exit_code, coalesce(p.nevents, 0), coalesce(p.nsegments, 0), p.inputs,
      p.execution_node, coalesce(p.is_node_started, false), p.message, p.logsize, p.hold_code, p.hold_subcode,
      p.cpu_seconds, p.wall_seconds, p.memory_mb, p.disk_mb
    from (select s.cupsid, s.start, count(*) from step s group by s.cupsid, s.start) k
    left join known p on p.cupsid = k.cupsid and p.start = k.start
    union all
    select e.nth, f.count, f.cupsid, f.start,
      e.moment,
      e.source,
      e.sequence,
      e.source_offset,
      case when e.rank >= coalesce(rank_of(f.word), 0) then e.kind else f.word end,
      case when e.rank = 4 then false else f.is_provisional or (e.ending is not null and not j.is_end) end,
      case when f.end_arrival is null and j.is_end then case when j.is_contradicted then 'failed' else e.ending end else f.end_state end,
      case when f.end_arrival is null and j.is_end then e.code else f.end_code end,
      case when f.end_arrival is null and j.is_end then e.arrival else f.end_arrival end,
      case when e.ending is null then f.end_at else least(f.end_at, e.at) end,
      f.is_over or e.kind in ('exited', 'removed', 'vanished'),
      case when e.is_own_failure then coalesce(f.own_code, e.code) else f.own_code end,
      case when j.is_provisional_first then e.code else f.provisional_code end,
      case when j.is_provisional_first then e.kind = 'exited' else f.is_provisional_exit end,
      f.has_product or e.is_product,
      f.product_note,
      case when e.kind = 'started' then least(f.started, e.at) else f.started end,
      case when e.kind = 'running' then least(f.running, e.at) else f.running end,
      greatest(f.last_message, e.at),
      f.flags | e.flag,
      case when e.kind = 'exited' then greatest(f.exit_code, e.code) else f.exit_code end,
      case when e.is_nevents_set then 0 else f.nevents end + e.nevents,
      coalesce(e.nsegments, f.nsegments + case when e.kind = 'stageout' then 1 else 0 end),
      coalesce(e.inputs, f.inputs),
      case when e.node is not null and (e.kind = 'started' or not f.is_node_started) then e.node else f.execution_node end,
      f.is_node_started or (e.kind = 'started' and e.node is not null),
      coalesce(e.message, f.message),
      coalesce(e.logsize, f.logsize),
      case when e.kind = 'held' then (e.detail ->> 'code')::int else f.hold_code end,
      case when e.kind = 'held' then (e.detail ->> 'subcode')::int else f.hold_subcode end,
      case when e.kind = 'exited' then greatest(f.cpu_seconds, (e.detail ->> 'cpuSeconds')::double precision) else f.cpu_seconds end,
      case when e.kind = 'exited' then greatest(f.wall_seconds, (e.detail ->> 'wallSeconds')::double precision) else f.wall_seconds end,
      case when e.kind = 'exited' then greatest(f.memory_mb, (e.detail ->> 'memoryMb')::double precision) else f.memory_mb end,
      case when e.kind = 'exited' then greatest(f.disk_mb, (e.detail ->> 'diskMb')::double precision) else f.disk_mb end
    from folded f
    join step e on e.cupsid = f.cupsid and e.start = f.start and e.nth = f.nth + 1
    cross join lateral (select e.can_restart and f.own_code is not null as is_after_failure) b
    -- An end that the job reports may be provisional. What the script said goes before the exit code of the whole job.
    cross join lateral (
      select e.ending is not null and (
        not e.can_restart or e.is_outside
        or (e.ending = 'finished' and not (e.kind = 'exited' and b.is_after_failure))
      ) as is_end
    ) d
    cross join lateral (
      select d.is_end, e.is_outside and b.is_after_failure as is_contradicted,
        -- Of ends that do not count the first of the script goes before the first of the launcher.
        e.ending is not null and not d.is_end
          and (f.is_provisional_exit is null or (f.is_provisional_exit and e.kind <> 'exited')) as is_provisional_first
    ) j
  ),
  stored as (
    insert into production_event
      (cupsid, source, sequence, at, start, kind, detail, received_at, arrival, clock_offset_ms)
    select p.cupsid, p.source, p.sequence, p.at_theirs, p.start, p.kind, p.detail, received, p.arrival, p.clock_offset_ms
    from placed p
    order by p.item
  ),
  kept as (
    insert into production_start (
    cupsid, start, last_moment, last_source, last_sequence, clock_offset_ms, word, is_provisional, end_state,
    end_code, end_arrival, end_at, is_over, own_code, provisional_code, is_provisional_exit, has_product,
    product_note, started, running, last_message, flags, exit_code, nevents, nsegments, inputs, execution_node,
    is_node_started, message, logsize, hold_code, hold_subcode, cpu_seconds, wall_seconds, memory_mb, disk_mb
    )
    select
    cupsid, start, last_moment, last_source, last_sequence, clock_offset_ms, word, is_provisional, end_state,
    end_code, end_arrival, end_at, is_over, own_code, provisional_code, is_provisional_exit, has_product,
    product_note, started, running, last_message, flags, exit_code, nevents, nsegments, inputs, execution_node,
    is_node_started, message, logsize, hold_code, hold_subcode, cpu_seconds, wall_seconds, memory_mb, disk_mb
    from folded f where f.nth = f.count
    on conflict (cupsid, start) do update set
      last_moment = excluded.last_moment, last_source = excluded.last_source, last_sequence = excluded.last_sequence,
      clock_offset_ms = excluded.clock_offset_ms, word = excluded.word, is_provisional = excluded.is_provisional,
      end_state = excluded.end_state, end_code = excluded.end_code, end_arrival = excluded.end_arrival,
      end_at = excluded.end_at, is_over = excluded.is_over, own_code = excluded.own_code,
      provisional_code = excluded.provisional_code, is_provisional_exit = excluded.is_provisional_exit,
      has_product = excluded.has_product, product_note = excluded.product_note, started = excluded.started,
      running = excluded.running, last_message = excluded.last_message, flags = excluded.flags,
      exit_code = excluded.exit_code, nevents = excluded.nevents, nsegments = excluded.nsegments,
      inputs = excluded.inputs, execution_node = excluded.execution_node, is_node_started = excluded.is_node_started,
      message = excluded.message, logsize = excluded.logsize, hold_code = excluded.hold_code,
      hold_subcode = excluded.hold_subcode, cpu_seconds = excluded.cpu_seconds, wall_seconds = excluded.wall_seconds,
      memory_mb = excluded.memory_mb, disk_mb = excluded.disk_mb
  )
  select array_agg(i.outcome),
    array_agg(i.item) filter (where i.is_asking),
    array_agg(i.cupsid) filter (where i.is_asking),
    array_agg(i.source) filter (where i.is_asking),
    array_agg(i.sequence) filter (where i.is_asking),
    array_agg(i.cupsid) filter (where i.outcome = 'new'),
    (select array_agg(distinct l.cupsid) from late l),
    jsonb_agg(i.noted) filter (where i.noted is not null),
    coalesce(bool_or(abs(i.clock_offset_ms) > 60000), false)
  into outcomes, asking, asking_ids, sources, sequences, touched, again, noted, has_wrong_clock
  from (
    select i.item, i.cupsid, i.source, i.sequence, i.clock_offset_ms,
      case
        when f.item is not null then 'new'
        when i.is_allowed then 'duplicate'
        when i.is_known then 'forbidden'
        else 'unknown-attempt'
      end as outcome,
      i.kind = 'started' and i.is_allowed as is_asking,
      case when f.kind in ('dataset', 'refused') then to_jsonb(f) end as noted
    from item i left join fresh f on f.item = i.item
    order by i.item
  ) i;

  if noted is not null then
    perform note_datasets(noted), note_refusals(noted);
  end if;

  if has_wrong_clock then
    again := again || correct_clocks(events, allowed);
  end if;
  if again is not null then
    perform refold_starts(again);
  end if;
  perform update_attempts(coalesce(touched, '{}') || coalesce(again, '{}'));

  return query
  select o.item::int - 1, o.outcome, null::boolean, null::text
  from unnest(outcomes) with ordinality as o (outcome, item)
  where o.outcome <> 'new' and (o.item - 1 = any (asking)) is not true;
  if asking is not null then
    return query
    select asking[r.nth], outcomes[asking[r.nth] + 1], r.reason is null, r.reason
    from refusals_of_starts(asking_ids, sources, sequences) r;
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION recorded_of(items integer[], cupsids integer[], source_names text[], sequences bigint[])
 RETURNS TABLE(item integer, is_recorded boolean, last_recorded bigint, clock_offset_ms bigint)
 LANGUAGE plpgsql
 STABLE STRICT
 SET search_path TO 'status'
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
    select a.item,
      exists (
        select from production_event e where e.cupsid = a.cupsid and e.source = a.source and e.sequence = a.sequence
      ),
      (
        select e.sequence from production_event e
        where e.cupsid = a.cupsid and e.source = a.source
        order by e.sequence desc
        limit 1
      ),
      (
        select e.clock_offset_ms from production_event e
        where e.cupsid = a.cupsid and e.source = a.source and e.clock_offset_ms is not null
        order by e.sequence desc
        limit 1
      )
    from unnest(items, cupsids, source_names, sequences) as a (item, cupsid, source, sequence);
end
$function$
;

CREATE OR REPLACE FUNCTION refold_attempts(cupsids integer[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
begin
  perform refold_starts(cupsids);
  perform update_attempts(cupsids);
end
$function$
;

CREATE OR REPLACE FUNCTION refold_starts(cupsids integer[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
begin
  delete from production_start where cupsid = any (cupsids);
  insert into production_start select * from fold_starts(cupsids);
end
$function$
;

CREATE OR REPLACE FUNCTION refusals_of_starts(cupsids integer[], sources text[], sequences bigint[])
 RETURNS TABLE(nth bigint, reason text)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT a.nth,
         CASE
             WHEN (s.retired_at IS NOT NULL) THEN ('retired: '::text || COALESCE(s.retired_reason, 'no reason given'::text))
             WHEN ((s.status = ANY (ARRAY['finished'::prodstate, 'failed'::prodstate])) AND COALESCE((( SELECT min(p.end_arrival) AS min
                FROM production_start p
               WHERE (p.cupsid = s.id)) < ( SELECT min(e.arrival) AS min
                FROM production_event e
               WHERE ((e.cupsid = s.id) AND (e.source = a.source) AND (e.sequence = a.sequence)))), true)) THEN ('already '::text || s.status)
             ELSE NULL::text
         END AS "case"
    FROM (UNNEST(refusals_of_starts.cupsids, refusals_of_starts.sources, refusals_of_starts.sequences) WITH ORDINALITY a(cupsid, source, sequence, nth)
      JOIN production_status s ON ((s.id = a.cupsid)));
END
;

CREATE OR REPLACE FUNCTION update_attempts(cupsids integer[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
    update production_status s set
      status = coalesce(
        f.state,
        -- Nothing in this start moved it: what the dispatcher wrote stands, or it waits in the queue again.
        case when s.status = 'submitting' then s.status else 'submitted' end
      ),
      has_product = f.has_product,
      start = f.start,
      started = f.started,
      running = f.running,
      ended = f.ended,
      last_message = f.last_message,
      flags = f.flags,
      exit_code = f.exit_code,
      nevents = f.nevents,
      nsegments = f.nsegments,
      inputs = coalesce(f.inputs, s.inputs_dispatched, s.inputs),
      inputs_dispatched = case when f.inputs is null then s.inputs_dispatched else coalesce(s.inputs_dispatched, s.inputs) end,
      execution_node = f.execution_node,
      message = f.message,
      logsize = f.logsize,
      hold_code = f.hold_code,
      hold_subcode = f.hold_subcode,
      cpu_seconds = f.cpu_seconds,
      wall_seconds = f.wall_seconds,
      memory_mb = f.memory_mb,
      disk_mb = f.disk_mb
    from fold_events(cupsids) f
    where s.id = f.cupsid
      -- An end that no event reports: rows of older systems, or whose events were dropped. They stay as they are.
      and (f.is_final or s.status not in ('finished', 'failed'));
end
$function$
;

CREATE TRIGGER attempt_deleted AFTER DELETE ON production_status REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_attempt_changes();

CREATE TRIGGER attempt_inserted AFTER INSERT ON production_status REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_attempt_changes();

CREATE TRIGGER attempt_updated AFTER UPDATE OF retired_at, dstname, dstfile ON production_status FOR EACH ROW WHEN ((old.retired_at IS NULL) <> (new.retired_at IS NULL) OR old.dstfile <> new.dstfile OR old.dstname <> new.dstname) EXECUTE FUNCTION count_attempt_change();

CREATE TRIGGER attempts_truncated AFTER TRUNCATE ON production_status FOR EACH STATEMENT EXECUTE FUNCTION count_attempts_truncated();
