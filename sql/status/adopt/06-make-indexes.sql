-- As in ../0001-production.sql, which says what they are for; but for those that ../0006-final-state.sql makes in another
-- way, in the same transaction.
create unique index if not exists production_setup_identity
  on production_setup (name, build, dbtag, hash, coalesce(revision, -1));
create index if not exists production_status_dstfile on production_status (dstfile, attempt);
create index if not exists production_status_run on production_status (run, segment);
create index production_status_submission on production_status (submission_id);
create index if not exists invalid_run_list_run on invalid_run_list (first_run);

-- Columns that changed their type have lost what the planner knew of them.
analyze production_setup, production_status, production_quality, dataset_status, invalid_run_list;
