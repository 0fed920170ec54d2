-- Where a cursor stood before a submission moved it past its runs: one that is taken back puts it there again, or nobody
-- would ever look at those runs again.
alter table submission
  add column cursor_id int,
  add column cursor_before int;
