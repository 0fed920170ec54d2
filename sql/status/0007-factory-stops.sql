-- A batch system that makes the jobs of a submission one after the other may stop making them: a state of the submission,
-- not of its attempts, which wait in the queue. It lasts until the batch system goes on, or the jobs that were never made
-- are taken back.
alter table submission
  add column stop_kind text check (stop_kind in ('held', 'broken')),
  add column stop_reason text,
  add column stopped_at timestamp,
  add column stop_next int;
create index submission_stopped on submission (stopped_at) where stop_kind is not null;

-- What condor_submit calls refused may be there as well as what was lost on the way.
drop index submission_lost;
create index submission_withdrawn on submission (ended_at) where state in ('lost', 'refused');
