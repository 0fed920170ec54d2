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

CREATE INDEX invalid_run_list_run ON invalid_run_list USING btree (first_run);

CREATE INDEX payload_file_sha256 ON payload_file USING btree (sha256);

CREATE INDEX production_event_refused ON ONLY production_event USING btree (cupsid) WHERE kind = 'refused'::text AND applied_at IS NULL;

CREATE INDEX production_event_unapplied ON ONLY production_event USING btree (received_at) WHERE kind = 'stageout'::text AND applied_at IS NULL;

CREATE UNIQUE INDEX production_setup_identity ON production_setup USING btree (name, build, dbtag, hash, COALESCE(revision, '-1'::integer), COALESCE(payload, ''::text), dirty);

CREATE INDEX production_status_dstfile ON production_status USING btree (dstfile, attempt_number);

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
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
    with starts as materialized (select * from fold_starts(cupsids)),
    ending as (
      select distinct on (s.cupsid) s.cupsid, s.start, s.end_state, s.end_at,
        case when s.end_state = 'failed' then coalesce(s.own_code, s.end_code) else s.end_code end as end_code
      from starts s
      where s.end_arrival is not null
      order by s.cupsid, s.end_arrival
    ),
    deciding as (
      -- An end of start -1 does not know its start.
      select s.cupsid, coalesce(max(e.start) filter (where e.start >= 0), max(s.start)) as start,
        bool_or(s.is_over and (e.cupsid is null or s.start >= e.start)) as is_over,
        bool_or(s.has_product) as has_product, max(s.product_note) as product_note
      from starts s left join ending e on e.cupsid = s.cupsid
      group by s.cupsid
    ),
    decided as (
      select d.cupsid, d.start, d.has_product, d.product_note, e.end_state, e.end_at, e.end_code,
        l.is_missing and d.is_over as is_missing,
        -- A product that is required may still come as long as the job is there.
        e.cupsid is not null and (d.is_over or not l.is_missing) as is_final
      from deciding d
      join production_status p on p.id = d.cupsid
      left join submission b on b.uuid = p.submission_id
      left join ending e on e.cupsid = d.cupsid
      cross join lateral (
        select coalesce(b.is_product_required and e.end_state = 'finished', false) and not d.has_product as is_missing
      ) l
    )
    select d.cupsid, d.start,
      case when not d.is_final then s.state when d.is_missing then 'failed' else d.end_state::prodstate end,
      d.is_final,
      case when d.is_final then d.end_state = 'finished' end,
      case when d.is_final then d.has_product end,
      s.started, s.running, case when d.is_final then d.end_at end, s.last_message, s.flags,
      case when d.is_final then coalesce(d.end_code, s.exit_code) else s.provisional_code end,
      s.nevents, s.nsegments, s.inputs, s.execution_node,
      case
        when d.is_final and d.is_missing then
          format('Ended without its product ''%s'': %s', p.dstfile,
            coalesce(d.product_note, 'no file of that name was staged out'))
        when d.is_final or s.provisional_code is null then s.message
        else coalesce(s.message,
          format('Ended with exit code %s; the batch system may start it again', s.provisional_code))
      end,
      s.logsize, s.hold_code, s.hold_subcode, s.cpu_seconds, s.wall_seconds, s.memory_mb, s.disk_mb
    from decided d
    join starts s on s.cupsid = d.cupsid and s.start = d.start
    join production_status p on p.id = d.cupsid;
end
$function$
;

CREATE OR REPLACE FUNCTION fold_starts(cupsids integer[])
 RETURNS TABLE(cupsid integer, start integer, state prodstate, end_state text, end_code integer, end_arrival bigint, end_at timestamp without time zone, is_over boolean, own_code integer, provisional_code integer, has_product boolean, product_note text, started timestamp without time zone, running timestamp without time zone, last_message timestamp without time zone, flags bigint, exit_code integer, nevents bigint, nsegments integer, inputs text, execution_node text, message text, logsize bigint, hold_code integer, hold_subcode integer, cpu_seconds double precision, wall_seconds double precision, memory_mb double precision, disk_mb double precision)
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
        -- A name without version and the same with _v000 are one product.
        s.dstfile, s.dstname || '_v000' || substr(s.dstfile, length(s.dstname) + 1) as twin
      from production_status s left join submission b on b.uuid = s.submission_id
      where s.id = any (cupsids)
    ),
    said as materialized (
      select e.cupsid, e.source, e.sequence, e.start, e.arrival, e.kind, e.detail, a.can_restart,
        event_moment(e.at, e.clock_offset_ms, e.received_at) as at,
        ending_of(e.kind, e.detail, a.success_exit_code) as ending,
        e.kind = 'stageout' and (e.detail #>> '{file,lfn}') in (
          a.dstfile || '.root', a.dstfile || '.prdf', a.twin || '.root', a.twin || '.prdf'
        ) as is_product,
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
      select t.cupsid, t.start, t.source, t.kind, t.at, t.nth, t.arrival, t.detail, t.can_restart, t.ending,
        t.is_product, t.apply_note,
        case t.kind
          when 'started' then 2 when 'running' then 3 when 'held' then 4 when 'evicted' then 4 when 'released' then 4
        end as rank,
        case when t.kind in ('finished', 'nevents', 'stageout') then (t.detail ->> 'nevents')::bigint end as nevents,
        case when t.kind in ('finished', 'running') then (t.detail ->> 'nsegments')::int end as nsegments,
        case
          when t.kind = 'message' then t.detail ->> 'text'
          when t.kind = 'stageout'
            then concat_ws(': ', 'last stageout ' || (t.detail #>> '{file,lfn}'), t.detail ->> 'remark')
          when t.kind in ('held', 'evicted', 'removed', 'vanished') then t.detail ->> 'reason'
        end as message,
        max(t.nth) filter (
          where t.kind in ('finished', 'nevents', 'stageout') and t.detail ? 'nevents'
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
        max(j.nth) filter (where not j.is_end) as provisional_nth
      from judged j
      group by j.cupsid, j.start
    ),
    folded as (
      select r.cupsid, r.start,
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
        coalesce(sum(case when r.kind = 'stageout' then 1 else r.nsegments end)
          filter (where r.nth >= coalesce(r.nsegments_from, 0)), 0)::int as nsegments,
        (array_agg(r.detail -> 'files' order by r.nth desc) filter (where r.kind = 'inputs'))[1] as files,
        (array_agg(r.detail ->> 'node' order by r.kind = 'exited', r.nth desc)
          filter (where r.kind in ('started', 'exited') and r.detail ? 'node'))[1] as execution_node,
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
    )
    select f.cupsid, f.start,
      case
        -- An end that does not count leaves the job to the batch system, as an eviction does.
        when e.provisional_nth > coalesce(f.word_nth, 0) then 'evicted'
        when f.word = 'released' then 'submitted'
        else f.word
      end::prodstate,
      e.end_state, e.end_code, e.end_arrival, e.end_at, coalesce(e.is_over, false), e.own_code, e.provisional_code,
      f.has_product, f.product_note,
      f.started, f.running, f.last_message, f.flags, f.exit_code, f.nevents, f.nsegments,
      case
        when f.files is null then null
        when f.files = '[]' then 'unset'
        else (select string_agg(file, ',' order by n) from jsonb_array_elements_text(f.files) with ordinality as l (file, n))
      end,
      f.execution_node, f.message, f.logsize, (f.held ->> 'code')::int, (f.held ->> 'subcode')::int,
      f.cpu_seconds, f.wall_seconds, f.memory_mb, f.disk_mb
    from folded f left join ended e on e.cupsid = f.cupsid and e.start = f.start;
end
$function$
;

CREATE OR REPLACE FUNCTION note_datasets()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'status'
AS $function$
begin
  if not exists (select from fresh where kind = 'dataset') then
    return null;
  end if;
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
      select event_moment(e.at, e.clock_offset_ms, e.received_at) as at, e.sequence, w.dstname, w.run, w.word, w.parent, w.blame,
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
      from fresh e
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
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION note_refusals()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'status'
AS $function$
begin
  if not exists (select from fresh where kind = 'refused') then
    return null;
  end if;
  update production_status s
  set refusal = f.refusal
  from (
    select distinct on (e.cupsid) e.cupsid,
      (e.detail ->> 'report') || ': ' || (e.detail ->> 'reason') as refusal
    from fresh e
    where e.kind = 'refused'
    order by e.cupsid, e.arrival desc
  ) f
  where s.id = f.cupsid;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION record_events(events jsonb)
 RETURNS TABLE(item integer, outcome text, go boolean, reason text)
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
declare
  allowed int[];
  fresh int[];
  touched int[];
  corrected int[];
begin
  select array_agg(distinct s.id) into allowed
  from event_items(events) i
  join production_status s on s.id = i.cupsid and (i.submission is null or i.submission = s.submission_id);

  perform s.id from production_status s where s.id = any (allowed) order by s.id for no key update;

  -- The key is (cupsid, source, sequence); the table's own has the month in it, because it is partitioned.
  select array_agg(f.item), array_agg(distinct f.cupsid) into fresh, touched
  from (
    select i.cupsid, min(i.item) as item
    from event_items(events) i
    join production_status s on s.id = i.cupsid and (i.submission is null or i.submission = s.submission_id)
    -- The limit keeps this a probe of the index for each event: a hash of the whole table would be the alternative.
    left join lateral (
      select true as is_known from production_event e
      where e.cupsid = i.cupsid and e.source = i.source and e.sequence = i.sequence
      limit 1
    ) known on true
    where known.is_known is null
    group by i.cupsid, i.source, i.sequence
  ) f;

  insert into production_event (cupsid, source, sequence, at, start, kind, detail, clock_offset_ms)
  select i.cupsid, i.source, i.sequence, i.at, i.start, i.kind, i.detail,
    -- Of a spool that came home by copy only that is known which an earlier report of it has shown.
    case when i.clock_offset_ms is null and i.start >= 0 then (
      select e.clock_offset_ms from production_event e
      where e.cupsid = i.cupsid and e.source = i.source and e.clock_offset_ms is not null
      order by e.sequence desc
      limit 1
    ) else i.clock_offset_ms end
  from event_items(events) i join unnest(fresh) as f (item) on f.item = i.item
  order by i.item
  on conflict do nothing;

  -- A wrong clock may also show later, when reports are sent that came home by copy before.
  if exists (select from event_items(events) i where abs(i.clock_offset_ms) > 60000) then
    with late as (
      update production_event e set clock_offset_ms = i.clock_offset_ms
      from event_items(events) i
      where e.cupsid = i.cupsid and e.cupsid = any (allowed) and e.source = i.source and e.sequence = i.sequence
        and e.clock_offset_ms is null and i.clock_offset_ms is not null
      returning e.cupsid
    )
    select array_agg(distinct cupsid) into corrected from late;
  end if;

  perform update_attempts(coalesce(touched, '{}') || coalesce(corrected, '{}'));

  return query
  select i.item,
    case
      when s.id is null then 'unknown-attempt'
      when i.submission <> s.submission_id or (i.submission is not null and s.submission_id is null) then 'forbidden'
      when f.item is not null then 'new'
      else 'duplicate'
    end,
    v.reason is null and v.is_asked,
    v.reason
  from event_items(events) i
  left join production_status s on s.id = i.cupsid
  left join unnest(fresh) as f (item) on f.item = i.item
  left join lateral (
    select true as is_asked,
      case
        when s.retired_at is not null then 'retired: ' || coalesce(s.retired_reason, 'no reason given')
        when s.status in ('finished', 'failed') and coalesce(
          (select min(d.end_arrival) from fold_starts(array[i.cupsid]) d) < (
            select min(e.arrival) from production_event e
            where e.cupsid = i.cupsid and e.source = i.source and e.sequence = i.sequence
          ),
          -- It had ended without any event.
          not exists (select from fold_starts(array[i.cupsid]) d where d.end_arrival is not null)
        ) then 'already ' || s.status
      end as reason
    where i.kind = 'started' and (i.submission is null or i.submission = s.submission_id) and s.id is not null
  ) v on true
  order by i.item;
end
$function$
;

CREATE OR REPLACE FUNCTION update_attempts(cupsids integer[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'status'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
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

CREATE TRIGGER note_datasets AFTER INSERT ON production_event REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_datasets();

CREATE TRIGGER note_refusals AFTER INSERT ON production_event REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_refusals();
