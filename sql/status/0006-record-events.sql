-- Records events and brings the attempts that they are about up to date.
-- @see docs/events.md, docs/decisions/incremental-fold.md

-- The columns of a batch of events, as `record_events` gets them.
create function event_items(events jsonb)
returns table (
  item int, cupsid int, source text, sequence bigint, start int, at timestamp, kind text, detail jsonb, submission uuid,
  clock_offset_ms bigint
)
language sql stable
as $$
  select (position - 1)::int, e.cupsid, e.source, e.sequence, e.start, e.at, e.detail ->> 'kind', e.detail - 'kind',
         e.submission, e."clockOffsetMs"
  from rows from (
    jsonb_to_recordset(events) as (
      cupsid int, source text, sequence bigint, start int, at timestamp, detail jsonb, submission uuid,
      "clockOffsetMs" bigint
    )
  ) with ordinality as e (cupsid, source, sequence, start, at, detail, submission, "clockOffsetMs", position)
$$;

-- What is recorded of the sources of events, one row for each that is asked for: whether this event is, the last of its source
-- (null: none), and what is known of the clock of the source. One call for all, and none where nothing is asked: a plan is set
-- up for each partition, and most events need no such look.
create function recorded_of(items int[], cupsids int[], source_names text[], sequences bigint[])
returns table (item int, is_recorded boolean, last_recorded bigint, clock_offset_ms bigint)
language plpgsql stable strict
set search_path from current
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
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
$$;

-- What one event says, apart from those before it.
create function event_facts(
  kind text, detail jsonb, source text, dstfile text, dstname text, success_exit_code int
)
returns table (
  rank int, ending text, code int, is_outside boolean, is_own_failure boolean, is_product boolean, flag bigint, nevents bigint,
  is_nevents_set boolean, nsegments int, inputs text, node text, message text, logsize bigint
)
language sql immutable
begin atomic
  select
    rank_of(kind),
    r.ending,
    case when r.ending is not null then (detail ->> 'exitCode')::int end,
    source like 'batch:%' or source like 'operator:%',
    kind in ('finished', 'exitcode') and r.ending = 'failed',
    kind = 'stageout' and is_file_of(detail #>> '{file,lfn}', dstfile, dstname),
    case when kind = 'message' then coalesce((detail ->> 'flag')::bigint, 0) else 0 end,
    case when kind in ('finished', 'nevents', 'stageout') then coalesce((detail ->> 'nevents')::bigint, 0) else 0 end,
    kind in ('finished', 'nevents', 'stageout') and detail ? 'nevents'
      and not coalesce((detail ->> 'isIncrement')::boolean, false),
    case when kind in ('finished', 'running') then (detail ->> 'nsegments')::int end,
    case when kind = 'inputs' then joined_inputs(detail -> 'files') end,
    case when kind in ('started', 'exited') then detail ->> 'node' end,
    message_of(kind, detail),
    case when kind = 'message' then (detail ->> 'logsize')::bigint end
  from (select ending_of(kind, detail, success_exit_code) as ending) r;
end;

-- What is known of the clocks of sources may also show later, when reports are sent that came home by copy before. Answers
-- the attempts whose recorded events change by that; null if there are none.
create function correct_clocks(events jsonb, allowed int[]) returns int[]
language sql
begin atomic
  with corrected as (
    update production_event e set clock_offset_ms = i.clock_offset_ms
    from event_items(events) i
    where e.cupsid = i.cupsid and e.cupsid = any (allowed) and e.source = i.source and e.sequence = i.sequence
      and e.clock_offset_ms is null and i.clock_offset_ms is not null
    returning e.cupsid
  )
  select array_agg(distinct cupsid) from corrected;
end;

-- Why the jobs of attempts may not go on after they reported a start, one row for each report; null: it may.
create function refusals_of_starts(cupsids int[], sources text[], sequences bigint[])
returns table (nth bigint, reason text)
language sql stable
begin atomic
  select a.nth,
    case
      when s.retired_at is not null then 'retired: ' || coalesce(s.retired_reason, 'no reason given')
      -- Where there is no end, it had ended without any event.
      when s.status in ('finished', 'failed')
        and coalesce(
          (select min(p.end_arrival) from production_start p where p.cupsid = s.id) < (
            select min(e.arrival) from production_event e
            where e.cupsid = s.id and e.source = a.source and e.sequence = a.sequence
          ),
          true
        )
        then 'already ' || s.status
    end
  from unnest(cupsids, sources, sequences) with ordinality as a (cupsid, source, sequence, nth)
  join production_status s on s.id = a.cupsid;
end;

-- Takes a JSON array of events and brings the attempts they speak of up to date, all in the caller's transaction.
-- An event is `new`, a `duplicate`, of an `unknown-attempt` or `forbidden` (the event may speak for the attempts of one
-- submission only, and this is another's). Answers one row for each event that is not simply new, `item` from 0: what is not
-- `new`, and each `started`, with whether the job may go on.
-- Rows are locked in id order before anything is read, so writers never deadlock and each sees what the other wrote.
--
-- An event that is later than all events of its attempt is folded onto what is known; where one is not, all events of that
-- attempt are folded again. It costs the same however many events there were before.
create function record_events(events jsonb)
returns table (item int, outcome text, go boolean, reason text)
language plpgsql
set search_path from current
set jit = off
set enable_seqscan = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
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
$$;
