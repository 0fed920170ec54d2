-- Tables of the original that a version of SLURP before the first release had adopted: the names of that version become
-- those of ../0001-attempts.sql to ../0003-files.sql. No row changes. The functions are made by ../0004-fold.sql and later.
alter table production_status rename column attempt to attempt_number;
alter table production_event rename column attempt to cupsid;
alter table file_owner rename column attempt to cupsid;

drop trigger note_datasets on production_event;
drop trigger note_refusals on production_event;
drop function note_datasets(), note_refusals(), record_events(jsonb), update_attempts(int[]), fold_events(int[]),
  fold_starts(int[]), event_items(jsonb), ending_of(text, jsonb, int), event_moment(timestamp, bigint, timestamp);
