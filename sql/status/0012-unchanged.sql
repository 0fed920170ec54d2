-- How a loop knows that nothing has changed for a rule since its last pass.

-- Counts the transactions in which attempts of a production became live or were retired or deleted. One row per dstname.
create table attempt_change (
  dstname text primary key,
  changes bigint not null default 1
);

-- A trigger counts, with the rights of its owner, so that changes by any account and program are counted.
create function count_attempt_changes() returns trigger
language plpgsql security definer
set search_path from current
as $$
begin
  insert into attempt_change as counted (dstname)
  select distinct dstname from changed order by dstname
  on conflict (dstname) do update set changes = counted.changes + 1;
  return null;
end $$;
create trigger attempt_inserted after insert on production_status
  referencing new table as changed for each statement execute function count_attempt_changes();
create trigger attempt_deleted after delete on production_status
  referencing old table as changed for each statement execute function count_attempt_changes();

create function count_attempt_change() returns trigger
language plpgsql security definer
set search_path from current
as $$
begin
  insert into attempt_change as counted (dstname)
  select distinct name from unnest(array[old.dstname, new.dstname]) as n (name) order by name
  on conflict (dstname) do update set changes = counted.changes + 1;
  return null;
end $$;
-- Reports of jobs change other columns and do not fire it.
create trigger attempt_updated after update of retired_at, dstname, dstfile on production_status
  for each row when ((old.retired_at is null) <> (new.retired_at is null) or old.dstfile <> new.dstfile or old.dstname <> new.dstname)
  execute function count_attempt_change();

create function count_attempts_truncated() returns trigger
language plpgsql security definer
set search_path from current
as $$
begin
  update attempt_change set changes = changes + 1;
  return null;
end $$;
create trigger attempts_truncated after truncate on production_status
  for each statement execute function count_attempts_truncated();

alter table production_pass drop constraint production_pass_outcome_check;
-- unchanged: nothing has changed since the last pass over all runs; its funnel is repeated.
alter table production_pass add constraint production_pass_outcome_check
  check (outcome in ('dispatched', 'unchanged', 'waited', 'elsewhere', 'failed'));
