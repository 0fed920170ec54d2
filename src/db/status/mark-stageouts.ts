import { sql } from '../connect.ts';
import { foldAttemptsAgain } from './fold-attempts-again.ts';
import { putTriggeredRunsSql, triggerChannel } from './trigger/put-triggered-runs-sql.ts';

import type { Database, Queryable, Statement } from '../connect.ts';
import type { EventKey } from './find-stageouts.ts';

/** The channel of notifications that the catalog has new files; the payload is JSON: `{"dsttype", "run"}`. */
const catalogChannel = 'slurp_catalog';

function keyTableSql(keys: readonly EventKey[]): Statement {
  return sql`unnest(
    ${keys.map((key) => key.cupsid)}::int[],
    ${keys.map((key) => key.source)}::text[],
    ${keys.map((key) => key.sequence)}::bigint[]
  )`;
}

/**
 * Marks stageouts as applied to the catalog and notifies {@link catalogChannel} in the status database, once for each
 * dsttype and run; in the same transaction, triggers the rules of loops that may read them. Twice does no harm.
 *
 * @throws DatabaseError
 */
export async function markStageoutsApplied(status: Database, keys: readonly EventKey[]): Promise<void> {
  const cupsids = await findLacking(status, keys);
  if (cupsids.length === 0) return markApplied(status, keys);
  await foldAttemptsAgain(status, cupsids, (session) => markApplied(session, keys));
}

/**
 * Finds those of the attempts that are final and had no product in the catalog until now, or of which it is known that the
 * catalog had refused it; there are few.
 */
async function findLacking(status: Queryable, keys: readonly EventKey[]): Promise<readonly number[]> {
  const cupsids = keys.map(({ cupsid }) => cupsid);
  const rows = await status.query<{ readonly id: number }>(sql`
    select id from ${sql.table(status.role, 'production_status')}
    where id = any (${cupsids}::int[]) and not has_product
    union
    select cupsid from ${sql.table(status.role, 'production_start')}
    where cupsid = any (${cupsids}::int[]) and product_note is not null`);
  return rows.map(({ id }) => id);
}

async function markApplied(status: Queryable, keys: readonly EventKey[]): Promise<void> {
  const events = sql.table(status.role, 'production_event');
  await status.query(sql`
    with locked as (
      select e.cupsid, e.source, e.sequence, e.at from ${events} e
      where (e.cupsid, e.source, e.sequence) in (select * from ${keyTableSql(keys)}) and e.applied_at is null
      order by e.cupsid, e.source, e.sequence for update
    ),
    marked as (
      update ${events} e set applied_at = now() at time zone 'utc', apply_note = null
      from locked l
      where e.cupsid = l.cupsid and e.source = l.source and e.sequence = l.sequence and e.at = l.at
      returning e.cupsid, e.detail -> 'file' as file
    ),
    registered as (
      select distinct coalesce(m.file ->> 'dsttype', s.dsttype) as dsttype, coalesce((m.file ->> 'run')::int, s.run) as run
      from marked m join ${sql.table(status.role, 'production_status')} s on s.id = m.cupsid
    ),
    triggered as (${putTriggeredRunsSql(status, sql`registered`)})
    select pg_notify(${catalogChannel}::text, json_build_object('dsttype', dsttype, 'run', run)::text) from registered
    union all
    select pg_notify(${triggerChannel}::text, holder::text) from (select distinct holder from triggered) loops`);
}

/**
 * Puts stageouts aside: they stay unapplied until the note is removed, and count as missing.
 *
 * @param notes one a key, in the same order
 * @throws DatabaseError
 */
export async function putStageoutsAside(
  status: Database,
  keys: readonly EventKey[],
  notes: readonly string[],
): Promise<void> {
  const cupsids = keys.map(({ cupsid }) => cupsid);
  await foldAttemptsAgain(status, cupsids, (session) => putAside(session, keys, notes));
}

async function putAside(status: Queryable, keys: readonly EventKey[], notes: readonly string[]): Promise<void> {
  const events = sql.table(status.role, 'production_event');
  // Locked in the order in which everybody locks several.
  await status.execute(sql`
    with locked as (
      select e.cupsid, e.source, e.sequence, e.at from ${events} e
      where (e.cupsid, e.source, e.sequence) in (select * from ${keyTableSql(keys)}) and e.applied_at is null
      order by e.cupsid, e.source, e.sequence for update
    )
    update ${events} e set apply_note = k.note
    from locked l join rows from (${keyTableSql(keys)}, unnest(${notes}::text[])) as k (cupsid, source, sequence, note)
      using (cupsid, source, sequence)
    where e.cupsid = l.cupsid and e.source = l.source and e.sequence = l.sequence and e.at = l.at`);
}
