-- The original meant one row a dataset and run, and wrote one more each time. The newest stays, and what it counts; the
-- others move to a table of their own.
update dataset_status set
  lastrun = coalesce(lastrun, 0), revision = coalesce(revision, 0), nsegments = coalesce(nsegments, 0)
where lastrun is null or revision is null or nsegments is null;

do $$
begin
  if exists (select from dataset_status group by dstname, run, lastrun having count(*) > 1) then
    create table dataset_status_superseded as
      select d.*, now() at time zone 'utc' as superseded_at
      from dataset_status d
      where exists (
        select from dataset_status n
        where n.dstname = d.dstname and n.run = d.run and n.lastrun = d.lastrun and n.id > d.id
      );
    delete from dataset_status d using dataset_status_superseded s where s.id = d.id;
  end if;
end
$$;
