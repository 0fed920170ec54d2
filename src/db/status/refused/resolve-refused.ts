import { sql } from '../../connect.ts';

import type { Database, Statement } from '../../connect.ts';
import type { EventKey } from '../find-stageouts.ts';

/** A stage-out of a file that is in the catalog now: what was refused before about that file is settled. */
export interface SettledFile extends EventKey {
  readonly start: number;
  readonly lfn: string;
}

/** Which refusals are resolved: all of these attempts, those of the reports with these keys, or those about files. */
export type RefusalsToResolve =
  | { readonly cupsids: readonly number[] }
  | { readonly keys: readonly EventKey[] }
  | { readonly files: readonly SettledFile[] };

/** The source of the event that says that a report of `source` was refused. */
export function refusalSourceOf(source: string): string {
  return `refused:${source}`;
}

/** The source of the event that says that a stage-out of `source` was recorded, and its file not registered. */
export function unregisteredSourceOf(source: string): string {
  return `unregistered:${source}`.slice(0, 200);
}

/**
 * Resolves refusals: they stay as events, and the row of their attempt does not show them any more.
 *
 * @param note who did it, and how
 * @returns how many refusals were open and are resolved now
 * @throws DatabaseError
 */
export async function resolveRefused(status: Database, what: RefusalsToResolve, note: string): Promise<number> {
  const wanted = [...new Set(cupsidsOf(what))];
  if (wanted.length === 0) return 0;
  const events = sql.table(status.role, 'production_event');
  const attempts = sql.table(status.role, 'production_status');
  return status.transaction(async (session) => {
    // The rows first, in the order of their ids, in which recording of events locks them.
    const open = await session.query<{ id: number }>(sql`
      select id from ${attempts} where id = any (${wanted}::int[]) and refusal is not null
      order by id for no key update`);
    if (open.length === 0) return 0;
    const ids = open.map(({ id }) => id);
    const resolved = await session.query(sql`
      update ${events} e set applied_at = now() at time zone 'utc', apply_note = ${note}
      where e.kind = 'refused' and e.applied_at is null and e.cupsid = any (${ids}::int[])
        and ${isMeantSql(what)}
      returning e.cupsid`);
    await session.execute(sql`
      update ${attempts} s set refusal = (
        select (e.detail ->> 'report') || ': ' || (e.detail ->> 'reason') from ${events} e
        where e.cupsid = s.id and e.kind = 'refused' and e.applied_at is null
        order by e.arrival desc limit 1
      )
      where s.id = any (${ids}::int[])`);
    return resolved.length;
  });
}

function cupsidsOf(what: RefusalsToResolve): readonly number[] {
  if ('cupsids' in what) return what.cupsids;
  return ('keys' in what ? what.keys : what.files).map(({ cupsid }) => cupsid);
}

function isMeantSql(what: RefusalsToResolve): Statement {
  if ('cupsids' in what) return sql`true`;
  if ('keys' in what) {
    return sql`(e.cupsid, e.source, e.sequence) in (
      select * from unnest(
        ${what.keys.map(({ cupsid }) => cupsid)}::int[],
        ${what.keys.map(({ source }) => refusalSourceOf(source))}::text[],
        ${what.keys.map(({ sequence }) => sequence)}::bigint[]
      )
    )`;
  }
  // What the same job said later, or a later start of it, is about a later stage-out.
  return sql`exists (
    select from unnest(
      ${what.files.map(({ cupsid }) => cupsid)}::int[],
      ${what.files.map(({ lfn }) => lfn)}::text[],
      ${what.files.map(({ start }) => start)}::int[],
      ${what.files.map(({ source }) => source)}::text[],
      ${what.files.map(({ source }) => unregisteredSourceOf(source))}::text[],
      ${what.files.map(({ sequence }) => sequence)}::bigint[]
    ) as f (cupsid, lfn, start, source, unregistered, sequence)
    where f.cupsid = e.cupsid and f.lfn = e.detail ->> 'lfn'
      and (e.start < f.start or (e.source in (f.source, f.unregistered) and e.sequence <= f.sequence))
  )`;
}
