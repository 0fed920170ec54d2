-- A report that could not be taken is an event itself, of kind `refused`, so that the row of its attempt shows it and
-- nobody has to read logs. The event is open until somebody resolves it: applied_at says when, apply_note how.
-- @see docs/events.md
alter table production_status add column refusal text;
-- Its condition names nothing that changes with an ordinary report, so that updates stay heap-only.
create index production_status_refused on production_status (id) where refusal is not null;
create index production_event_refused on production_event (attempt) where kind = 'refused' and applied_at is null;

create function note_refusals() returns trigger
language plpgsql
set search_path from current
as $$
begin
  if not exists (select from fresh where kind = 'refused') then
    return null;
  end if;
  update production_status s
  set refusal = f.refusal
  from (
    select distinct on (e.attempt) e.attempt,
      (e.detail ->> 'report') || ': ' || (e.detail ->> 'reason') as refusal
    from fresh e
    where e.kind = 'refused'
    order by e.attempt, e.arrival desc
  ) f
  where s.id = f.attempt;
  return null;
end
$$;

create trigger note_refusals after insert on production_event
  referencing new table as fresh
  for each statement execute function note_refusals();
