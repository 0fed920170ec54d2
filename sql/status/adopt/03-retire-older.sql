-- Of rows with one dstfile the newest is live; the others are retired. Names with and without `_v000` stay apart: whether
-- they mean one product is known to a rule alone, and its decision looks at both.
with ranked as (
  select id, row_number() over (partition by dstfile order by id) as attempt_number,
         max(id) over (partition by dstfile) as newest
  from production_status
  where dstfile in (select dstfile from production_status group by dstfile having count(*) > 1)
)
update production_status p set
  attempt_number = r.attempt_number,
  retired_at = case when r.id < r.newest then now() at time zone 'utc' end,
  retired_by = case when r.id < r.newest then 'slurp db migrate' end,
  retired_reason = case when r.id < r.newest then format('adopted: cupsid %s of the same product is newer', r.newest) end
from ranked r
where p.id = r.id and (r.attempt_number > 1 or r.id < r.newest);

-- When a setup was first used is the best that is known about when it came to be.
update production_setup s set created_at = first.submitting
from (
  select prod_id, min(submitting) as submitting from production_status where submitting is not null group by prod_id
) first
where first.prod_id = s.id;

-- Credentials in addresses were stored as they stood in the checkout's configuration.
update production_setup set repo = regexp_replace(regexp_replace(regexp_replace(repo,
    '^((?:git\+)?ssh(?:\+git)?://[^:@/?#]*):[^/?#]*@', '\1@', 'i'),
    '^((?!(?:git\+)?ssh(?:\+git)?:)[a-z][a-z0-9+.-]*://)[^/?#]*@', '\1', 'i'),
    '^(https?://[^?#]*)[?#].*$', '\1', 'i')
  where repo ~* '^[a-z][a-z0-9+.-]*://(?:[^/?#]*@|.*[?#])';
