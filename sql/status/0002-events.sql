-- What is said about an attempt becomes its row: one function for workers, spool files and the batch system alike.
-- @see docs/events.md

-- The order in which we came to know things; assigned while the attempt's row is locked, so per attempt it is the
-- order of commits too. A clock can not do that.
create sequence production_event_arrival as bigint;
alter table production_event
  add column arrival bigint not null default nextval('production_event_arrival'),
  -- Why a stageout will not be applied by itself: its attempt was retired, or the catalog refuses the row.
  add column apply_note text;

drop index production_event_unapplied;
create index production_event_unapplied on production_event (received_at)
  where kind = 'stageout' and applied_at is null;

-- What `inputs` held when the job was dispatched, kept as soon as a job tells other inputs: a restarted job must get
-- its own list again.
alter table production_status add column inputs_dispatched text;

-- The columns of a batch of events, as `record_events` gets them.
create function event_items(events jsonb)
returns table (
  item int, attempt int, source text, sequence bigint, start int, at timestamp, kind text, detail jsonb, submission uuid
)
language sql stable
as $$
  select (position - 1)::int, e.attempt, e.source, e.sequence, e.start, e.at, e.detail ->> 'kind', e.detail - 'kind',
         e.submission
  from rows from (
    jsonb_to_recordset(events) as (
      attempt int, source text, sequence bigint, start int, at timestamp, detail jsonb, submission uuid
    )
  ) with ordinality as e (attempt, source, sequence, start, at, detail, submission, position)
$$;

-- What all events of these attempts say together; the same for every order and every grouping in which they came,
-- but for two final words that contradict each other: the first known wins.
-- The sequence of a source is the order in which it spoke, whatever its clock says; sources are woven by time.
create function fold_events(attempts int[])
returns table (
  attempt int, start int, state prodstate, is_final boolean, started timestamp, running timestamp, ended timestamp,
  last_message timestamp, flags bigint, exit_code int, nevents bigint, nsegments int, inputs text, execution_node text,
  message text, logsize bigint, hold_code int, hold_subcode int,
  cpu_seconds double precision, wall_seconds double precision, memory_mb double precision, disk_mb double precision
)
language sql stable
set search_path from current
set jit = off
set enable_seqscan = off
as $$
  with said as materialized (
    select e.attempt, e.source, e.sequence, e.start, e.at, e.arrival, e.kind, e.detail,
      case
        when e.kind in ('finished', 'exitcode')
          then case when (e.detail ->> 'exitCode')::int > 0 then 'failed' else 'finished' end
        when e.kind = 'exited'
          then case when (e.detail ->> 'exitCode')::int = 0 then 'finished' else 'failed' end
        when e.kind in ('removed', 'vanished') then 'failed'
      end::prodstate as ending
    from production_event e
    where e.attempt = any (attempts)
  ),
  ending as (
    select distinct on (s.attempt) s.attempt, s.start, s.at, s.ending, (s.detail ->> 'exitCode')::int as exit_code
    from said s
    where s.ending is not null
    order by s.attempt, s.arrival
  ),
  -- The start that counts: the one that ended, else the latest. A final word of start -1 does not know its start.
  deciding as (
    select s.attempt, coalesce(max(e.start) filter (where e.start >= 0), max(s.start)) as start
    from said s left join ending e on e.attempt = s.attempt
    group by s.attempt
  ),
  told as (
    select t.*, row_number() over (partition by t.attempt order by t.moment, t.source, t.sequence) as nth
    from (
      select s.*, max(s.at) over (partition by s.attempt, s.source order by s.sequence) as moment
      from said s join deciding d on d.attempt = s.attempt and d.start = s.start
    ) t
  ),
  read as (
    select t.attempt, t.start, t.kind, t.at, t.nth, t.detail,
      case t.kind
        when 'started' then 2 when 'running' then 3 when 'held' then 4 when 'evicted' then 4 when 'released' then 4
      end as rank,
      case when t.kind in ('finished', 'nevents', 'stageout') then (t.detail ->> 'nevents')::bigint end as nevents,
      case when t.kind in ('finished', 'running') then (t.detail ->> 'nsegments')::int end as nsegments,
      case
        when t.kind = 'message' then t.detail ->> 'text'
        when t.kind = 'stageout' then 'last stageout ' || (t.detail #>> '{file,lfn}')
        when t.kind in ('held', 'evicted', 'removed', 'vanished') then t.detail ->> 'reason'
      end as message,
      max(t.nth) filter (
        where t.kind in ('finished', 'nevents', 'stageout') and t.detail ? 'nevents'
          and not coalesce((t.detail ->> 'isIncrement')::boolean, false)
      ) over (partition by t.attempt) as nevents_from,
      max(t.nth) filter (where t.kind in ('finished', 'running') and t.detail ? 'nsegments')
        over (partition by t.attempt) as nsegments_from
    from told t
  ),
  folded as (
    select r.attempt, r.start,
      (array_agg(r.kind order by r.rank desc, r.nth desc) filter (where r.rank is not null))[1] as word,
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
    group by r.attempt, r.start
  )
  select d.attempt, d.start,
    coalesce(e.ending, (case f.word when 'released' then 'submitted' else f.word end)::prodstate),
    e.attempt is not null,
    f.started, f.running, e.at, f.last_message, coalesce(f.flags, 0), coalesce(e.exit_code, f.exit_code),
    coalesce(f.nevents, 0), coalesce(f.nsegments, 0),
    case
      when f.files is null then null
      when f.files = '[]' then 'unset'
      else (select string_agg(file, ',' order by n) from jsonb_array_elements_text(f.files) with ordinality as l (file, n))
    end,
    f.execution_node, f.message, f.logsize,
    (f.held ->> 'code')::int, (f.held ->> 'subcode')::int,
    f.cpu_seconds, f.wall_seconds, f.memory_mb, f.disk_mb
  from deciding d
  left join folded f on f.attempt = d.attempt
  left join ending e on e.attempt = d.attempt
$$;

-- Takes a JSON array of events and brings the attempts they speak of up to date, all in the caller's transaction.
-- Answers one row an event, `item` from 0: outcome `new`, `duplicate`, `unknown-attempt` or `forbidden` (the event may
-- speak for the attempts of one submission only, and this is another's); for `started` also whether the job may go on.
-- Rows are locked in id order before anything is read, so writers never deadlock and each sees what the other wrote.
create function record_events(events jsonb)
returns table (item int, outcome text, go boolean, reason text)
language plpgsql
set search_path from current
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  allowed int[];
  fresh int[];
  touched int[];
begin
  select array_agg(distinct s.id) into allowed
  from event_items(events) i
  join production_status s on s.id = i.attempt and (i.submission is null or i.submission = s.submission_id);

  perform s.id from production_status s where s.id = any (allowed) order by s.id for no key update;

  -- The key is (attempt, source, sequence); the table's own has the month in it, because it is partitioned.
  select array_agg(f.item), array_agg(distinct f.attempt) into fresh, touched
  from (
    select i.attempt, min(i.item) as item
    from event_items(events) i
    join production_status s on s.id = i.attempt and (i.submission is null or i.submission = s.submission_id)
    -- The limit keeps this a probe of the index for each event: a hash of the whole table would be the alternative.
    left join lateral (
      select true as is_known from production_event e
      where e.attempt = i.attempt and e.source = i.source and e.sequence = i.sequence
      limit 1
    ) known on true
    where known.is_known is null
    group by i.attempt, i.source, i.sequence
  ) f;

  insert into production_event (attempt, source, sequence, at, start, kind, detail)
  select i.attempt, i.source, i.sequence, i.at, i.start, i.kind, i.detail
  from event_items(events) i join unnest(fresh) as f (item) on f.item = i.item
  order by i.item
  on conflict do nothing;

  update production_status s set
    status = coalesce(
      f.state,
      -- Nothing in this start moved it: what the dispatcher wrote stands, or it waits in the queue again.
      case when s.status = 'submitting' then s.status else 'submitted' end
    ),
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
  from fold_events(touched) f
  where s.id = f.attempt
    -- An end that no event tells of: rows of older systems, or whose events were dropped. They stay as they are.
    and (f.is_final or s.status not in ('finished', 'failed'));

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
  left join production_status s on s.id = i.attempt
  left join unnest(fresh) as f (item) on f.item = i.item
  left join lateral (
    select true as is_asked,
      case
        when s.retired_at is not null then 'retired: ' || coalesce(s.retired_reason, 'no reason given')
        when s.status in ('finished', 'failed') and (
          select coalesce(
            min(e.arrival) filter (where e.kind in ('finished', 'exitcode', 'exited', 'removed', 'vanished'))
              < min(e.arrival) filter (where e.source = i.source and e.sequence = i.sequence),
            not coalesce(bool_or(e.kind in ('finished', 'exitcode', 'exited', 'removed', 'vanished')), false)
          )
          from production_event e where e.attempt = i.attempt
        ) then 'already ' || s.status
      end as reason
    where i.kind = 'started' and (i.submission is null or i.submission = s.submission_id) and s.id is not null
  ) v on true
  order by i.item;
end
$$;

-- Makes the partitions of the months around now, and moves there what the default partition had caught meanwhile.
-- Several callers at once are safe. Answers the names of what it made.
create function ensure_event_partitions(months_before int default 1, months_after int default 2)
returns setof text
language plpgsql
set search_path from current
as $$
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
$$;
