-- What events say beside the state of their attempt: of datasets, and of reports that were refused.

-- What jobs say of datasets becomes a row each of dataset_status, whose key is (dstname, run, lastrun).
-- It happens where the event is recorded, in the same transaction: an event that is recorded already is not inserted again,
-- so it counts once. Counts are sums, times are the latest of their word, status is the word with the latest time:
-- the order in which events come in makes no difference.

-- The columns of new events that say more, as `record_events` collects them; `at` by the gateway's clock.
create function noted_events(noted jsonb)
returns table (cupsid int, kind text, at timestamp, sequence bigint, arrival bigint, detail jsonb)
language sql stable
begin atomic
  select e.* from jsonb_to_recordset(noted) as e (
    cupsid int, kind text, at timestamp, sequence bigint, arrival bigint, detail jsonb
  );
end;

create function note_datasets(noted jsonb) returns void
language plpgsql
set search_path from current
as $$
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
$$;

-- A report that was refused is an event itself, of kind `refused`, so that the row of its attempt shows it and no logs have
-- to be read. The event is open until an operator resolves it: applied_at says when, apply_note how.
-- @see docs/events.md
create function note_refusals(noted jsonb) returns void
language plpgsql
set search_path from current
as $$
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
$$;
