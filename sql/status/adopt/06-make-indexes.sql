-- As in ../0001-attempts.sql, which says what they are for. The column waits until `status` has its type.
alter table production_status
  add column final_state prodstate
    generated always as (case when status in ('finished', 'failed') then status end) stored;
alter table production_status set (fillfactor = 50);
drop index if exists production_status_dstfile, production_status_run, invalid_run_list_run;
create unique index production_setup_identity
  on production_setup (name, build, dbtag, hash, coalesce(revision, -1), coalesce(payload, ''), dirty);
create unique index production_status_live on production_status (dstfile text_pattern_ops) include (id, final_state)
  where retired_at is null;
create index production_status_dstfile on production_status (dstfile, attempt_number);
create index production_status_run on production_status (run, segment);
create index production_status_submission on production_status (submission_id);
create index production_status_unended on production_status (submission_id) where final_state is null;
create index production_status_refused on production_status (id) where refusal is not null;
create index production_status_lacking on production_status (id) where not has_product and retired_at is null;
create index invalid_run_list_run on invalid_run_list (first_run);

-- Columns that changed their type have lost what the planner knew of them.
analyze production_setup, production_status, production_quality, dataset_status, invalid_run_list;
