-- What is reported about an attempt becomes its row: one function for workers, spool files and the batch system alike.
--
-- An attempt's row is made in two steps: everything about one start of a job follows from the events of that start alone
-- (`production_start`); `fold_events` chooses among the starts of an attempt.
-- @see docs/events.md

-- When something happened by the gateway's clock, as far as it is known: the sender's clock counts unless it was off by
-- more than a minute, and nothing happens after it was received.
create function event_moment(at timestamp, clock_offset_ms bigint, received_at timestamp) returns timestamp
language sql immutable parallel safe
return least(
  case when abs(clock_offset_ms) > 60000 then at + clock_offset_ms * interval '1 millisecond' else at end,
  received_at
);

-- A list of input files as `production_status.inputs` has it.
create function joined_inputs(files jsonb) returns text
language sql immutable parallel safe
return case
  when files is null then null
  when files = '[]' then 'unset'
  else (select string_agg(file, ',' order by n) from jsonb_array_elements_text(files) with ordinality as l (file, n))
end;

-- Which of the events that say what a job does goes before which; null for all others.
create function rank_of(kind text) returns int
language sql immutable parallel safe
return case kind
  when 'started' then 2 when 'running' then 3 when 'held' then 4 when 'evicted' then 4 when 'released' then 4
end;

-- Whether a file is the product of an attempt; a name without version and the same with _v000 are one product.
create function is_file_of(lfn text, dstfile text, dstname text) returns boolean
language sql immutable parallel safe
return lfn in (
  dstfile || '.root', dstfile || '.prdf',
  dstname || '_v000' || substr(dstfile, length(dstname) + 1) || '.root',
  dstname || '_v000' || substr(dstfile, length(dstname) + 1) || '.prdf'
);

-- What an event says in words, if anything.
create function message_of(kind text, detail jsonb) returns text
language sql immutable parallel safe
return case
  when kind = 'message' then detail ->> 'text'
  when kind = 'stageout' then 'last stageout ' || (detail #>> '{file,lfn}') || coalesce(': ' || (detail ->> 'remark'), '')
  when kind in ('held', 'evicted', 'removed', 'vanished') then detail ->> 'reason'
end;

-- The state that an event ends an attempt with, if it is an end at all.
create function ending_of(kind text, detail jsonb, success_exit_code int) returns text
language sql immutable parallel safe
return case
  when kind in ('finished', 'exitcode') then
    case
      when (detail ->> 'exitCode')::int > 0 and (detail ->> 'exitCode')::int is distinct from success_exit_code
        then 'failed'
      else 'finished'
    end
  when kind = 'exited' then
    case when (detail ->> 'exitCode')::int = coalesce(success_exit_code, 0) then 'finished' else 'failed' end
  when kind in ('removed', 'vanished') then 'failed'
end;

-- What is known of one start of a job: the fold of its events, kept so that a new event costs the same however many there
-- were before. `fold_starts` makes a row from all events; `fold_new_events` brings it up to date with later ones.
-- @see docs/decisions/incremental-fold.md
create table production_start (
  cupsid int not null,
  start int not null,
  -- The latest event, in the order of the fold.
  last_moment timestamp not null,
  last_source text not null,
  last_sequence bigint not null,
  -- What is known of the clock of that source.
  clock_offset_ms bigint,
  -- The kind of event that decides the state while no end counts: the highest rank, of held, evicted and released the last.
  word text,
  -- An end that does not count came after it: the job is left to the batch system, as by an eviction.
  is_provisional boolean not null,
  -- The first known end that counts, if any, and its exit code.
  end_state text,
  end_code int,
  end_arrival bigint,
  -- When the first end was, whether it counts or not.
  end_at timestamp,
  -- The job itself is gone: nothing more will come from it than what it has written already.
  is_over boolean not null,
  -- The exit code with which the job said that it failed.
  own_code int,
  -- What does not count as an end: its exit code, and whether only the launcher has reported one (null: there is none).
  provisional_code int,
  is_provisional_exit boolean,
  has_product boolean not null,
  product_note text,
  started timestamp,
  running timestamp,
  last_message timestamp not null,
  flags bigint not null,
  exit_code int,
  nevents bigint not null,
  nsegments int not null,
  inputs text,
  execution_node text,
  -- `execution_node` was said by a `started`, which goes before what an `exited` says.
  is_node_started boolean not null,
  message text,
  logsize bigint,
  hold_code int,
  hold_subcode int,
  cpu_seconds double precision,
  wall_seconds double precision,
  memory_mb double precision,
  disk_mb double precision,
  primary key (cupsid, start)
) with (fillfactor = 50);

-- What the events of each start of these attempts say together: one row for each (cupsid, start), from the events of
-- that start alone. The same for every order and every grouping in which they came, but for ends that contradict each
-- other: of these the first known counts.
-- The sequence of a source is the order in which it spoke, whatever its clock says; sources are woven by time.
create function fold_starts(cupsids int[]) returns setof production_start
language plpgsql stable
set search_path from current
set jit = off
set enable_seqscan = off
as $$
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
$$;

-- Folds all events of attempts again.
create function refold_starts(cupsids int[]) returns void
language plpgsql
set search_path from current
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  delete from production_start where cupsid = any (cupsids);
  insert into production_start select * from fold_starts(cupsids);
end
$$;

-- What the starts of these attempts say together: the start that ended, else the latest. It becomes part of the statement
-- that asks for it, which is planned and started once.
create function fold_events(cupsids int[])
returns table (
  cupsid int, start int, state prodstate, is_final boolean,
  -- Ended without an error, whatever became of its product; null until final.
  is_success boolean, has_product boolean,
  started timestamp, running timestamp, ended timestamp, last_message timestamp, flags bigint, exit_code int,
  nevents bigint, nsegments int, inputs text, execution_node text, message text, logsize bigint, hold_code int,
  hold_subcode int, cpu_seconds double precision, wall_seconds double precision, memory_mb double precision,
  disk_mb double precision
)
language sql stable
begin atomic
    with starts as materialized (select * from production_start p where p.cupsid = any (cupsids)),
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
      select d.cupsid, d.start, d.has_product, d.product_note, p.dstfile, e.end_state, e.end_at, e.end_code,
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
      case
        when not d.is_final then
          (case when s.is_provisional then 'evicted' when s.word = 'released' then 'submitted' else s.word end)::prodstate
        when d.is_missing then 'failed'
        else d.end_state::prodstate
      end,
      d.is_final,
      case when d.is_final then d.end_state = 'finished' end,
      case when d.is_final then d.has_product end,
      s.started, s.running, case when d.is_final then d.end_at end, s.last_message, s.flags,
      case when d.is_final then coalesce(d.end_code, s.exit_code) else s.provisional_code end,
      s.nevents, s.nsegments, s.inputs, s.execution_node,
      case
        when d.is_final and d.is_missing then
          format('Ended without its product ''%s'': %s', d.dstfile,
            coalesce(d.product_note, 'no file of that name was staged out'))
        when d.is_final or s.provisional_code is null then s.message
        else coalesce(s.message,
          format('Ended with exit code %s; the batch system may start it again', s.provisional_code))
      end,
      s.logsize, s.hold_code, s.hold_subcode, s.cpu_seconds, s.wall_seconds, s.memory_mb, s.disk_mb
    from decided d
    join starts s on s.cupsid = d.cupsid and s.start = d.start;
end;

-- Brings the rows of attempts up to date with their starts. The caller has locked the rows, in the order of their ids.
create function update_attempts(cupsids int[]) returns void
language plpgsql
set search_path from current
set jit = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
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
$$;

-- Folds all events of attempts again, and brings their rows up to date. The caller has locked the rows, in the order of
-- their ids.
create function refold_attempts(cupsids int[]) returns void
language plpgsql
set search_path from current
set jit = off
set enable_seqscan = off
as $$
begin
  perform refold_starts(cupsids);
  perform update_attempts(cupsids);
end
$$;

-- A database that an earlier version adopted has events already.
select refold_starts(array_agg(distinct cupsid)) from production_event having count(*) > 0;
