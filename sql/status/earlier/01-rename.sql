-- Tables of the original that a version of SLURP before the first release had adopted: the names of that version become
-- those of ../0001-attempts.sql to ../0003-files.sql. No row changes. The functions are made by ../0004-fold.sql and later.
alter table production_status rename column attempt to attempt_number;
alter table production_event rename column attempt to cupsid;
alter table file_owner rename column attempt to cupsid;

drop trigger note_datasets on production_event;
drop trigger note_refusals on production_event;
do $$
declare
  signature text;
begin
  for signature in
    select oid::regprocedure::text from pg_proc
    where pronamespace = current_schema()::regnamespace and proname in (
      'note_datasets', 'note_refusals', 'record_events', 'update_attempts', 'fold_events', 'fold_starts', 'event_items',
      'ending_of', 'event_moment'
    )
  loop
    execute 'drop function ' || signature;
  end loop;
end
$$;
