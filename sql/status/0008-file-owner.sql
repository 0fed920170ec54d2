-- Whose a file name is: the product that staged it out, or is about to. The catalog finds files by name alone, so a name
-- belongs to one product, whatever the directory. Kept here and not read from the events, whose detail may be dropped
-- after some months. A name that is not here was put there by no attempt of this site.
-- @see docs/events.md

create table file_owner (
  lfn text primary key,
  dstfile text not null,
  attempt int not null,
  claimed_at timestamp not null default (now() at time zone 'utc')
);

insert into file_owner (lfn, dstfile, attempt, claimed_at)
select distinct on (e.detail #>> '{file,lfn}') e.detail #>> '{file,lfn}', s.dstfile, e.attempt, e.applied_at
from production_event e join production_status s on s.id = e.attempt
where e.kind = 'stageout' and e.applied_at is not null
order by e.detail #>> '{file,lfn}', e.arrival desc;
