const bareQuery = `(select 'filecatalog/datasets' as source, runnumber, segment, filename as files,
    filename || ':0:' || events as fileranges, firstevent, lastevent,
    'DST_CALO_run2pp_ana437_2024p007_v001-' || lpad(runnumber::text, 8, '0') || '-' || lpad(segment::text, 5, '0') as dstfile
  from catalog.datasets where filename like 'DST_CALOFITTING_run2pp_ana437_2024p007_v001%'
  order by runnumber, segment)`;

/** The bare join: how many products have no attempt. */
export const bareAntiJoin = `select count(*) as ready from ${bareQuery} c where not exists
  (select from status.production_status a where a.dstfile = c.dstfile and a.retired_at is null)`;

/** What an expert would write: every verdict but that of duplicates, each asked only where the one before says nothing. */
export const bareDecision = `select verdict, state, count(*) from (
    select case when exists (select from status.invalid_run_list i where i.expires_at > now() at time zone 'utc'
          and i.dstname in ('all', 'ALL', 'DST_CALO_run2pp_ana437_2024p007_v001') and c.runnumber >= i.first_run
          and (i.last_run = -1 or c.runnumber <= i.last_run) and c.segment between i.first_segment and i.last_segment)
        then 'invalid-run'
      when a.id is not null then 'blocked' when d.filename is not null then 'exists'
      when f.lfn is null then 'missing-inputs' else 'ready' end as verdict, a.status as state
    from ${bareQuery} c
    left join status.production_status a on a.dstfile = c.dstfile and a.retired_at is null
    left join catalog.datasets d on a.id is null and d.filename = c.dstfile || '.root'
    left join catalog.files f on a.id is null and d.filename is null and f.lfn = c.files
  ) v group by 1, 2 order by 1, 2`;

/** Returns how long something takes, in ms. */
export async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return Math.round(performance.now() - began);
}
