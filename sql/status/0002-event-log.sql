-- What was reported about attempts: append-only. What becomes of it: 0004-fold.sql.
-- @see docs/events.md

-- The order in which events became known; assigned while the attempt's row is locked, so per attempt it is the order of
-- commits too. A clock cannot do that.
create sequence production_event_arrival as bigint;

-- `at` is the sender's clock and part of what was reported, so an event that is sent again goes to the same partition and
-- meets the same key.
create table production_event (
  cupsid int not null,
  source text not null,
  sequence bigint not null,
  at timestamp not null,
  start int not null,
  kind text not null,
  detail jsonb not null default '{}',
  received_at timestamp not null default (now() at time zone 'utc'),
  applied_at timestamp,
  arrival bigint not null default nextval('production_event_arrival'),
  -- Why a stageout will not be applied by itself: its attempt was retired, or the catalog refuses the row.
  apply_note text,
  -- Milliseconds that the gateway's clock was ahead of the sender's when the report was sent, or an earlier one of the same
  -- source; null where they were never compared.
  clock_offset_ms bigint,
  primary key (cupsid, source, sequence, at)
) partition by range (at);
create table production_event_default partition of production_event default;
create index production_event_unapplied on production_event (received_at)
  where kind = 'stageout' and applied_at is null;
create index production_event_refused on production_event (cupsid) where kind = 'refused' and applied_at is null;

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
