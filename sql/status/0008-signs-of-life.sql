-- What a running job says of itself every few minutes: the latest sign of each attempt, and no history. It is no event: it
-- changes no state, and an old one never overwrites a new one.
-- Unlogged: after a crash of the server the table is empty, and full again when each job has sent its next sign. A sign costs
-- no write of the log, and no wait for the disk.
-- @see docs/events.md, docs/decisions/signs-of-life.md
create unlogged table sign_of_life (
  -- No reference: the row of an attempt never goes, and each sign would look for it.
  cupsid int primary key,
  -- Number of earlier starts of the job.
  start int not null,
  -- Number of the sign within the start: clocks of nodes jump.
  sequence bigint not null,
  -- By the clock of the sender.
  at timestamp not null,
  received_at timestamp not null,
  -- Events of the physics, so far; what the job uses of memory and of its scratch disk. Null where the job does not know.
  events bigint,
  memory_bytes bigint,
  disk_bytes bigint
  -- Room for the next version of each row: a sign then changes no index.
) with (fillfactor = 50);
