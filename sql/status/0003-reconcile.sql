-- Attempts that are not final, by submission: what the batch system is asked about. Retired ones too, because their jobs
-- have to go.
create index production_status_unended on production_status (submission_id)
  where status not in ('finished', 'failed');
create index submission_lost on submission (ended_at) where state = 'lost';
