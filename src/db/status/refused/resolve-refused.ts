import { sql } from '../../connect.ts';

import type { Database } from '../../connect.ts';
import type { EventKey } from '../find-stageouts.ts';

/** The source of the event that says that a report of `source` was refused. */
export function refusalSource(source: string): string {
  return `refused:${source}`;
}

/**
 * Resolves refusals: they stay as events, and the row of their attempt shows them no more.
 *
 * @param what all of these attempts, or only those of the reports with these keys
 * @param note who did it, and how
 * @returns how many refusals were open and are resolved now
 * @throws DatabaseError
 */
export async function resolveRefused(
  status: Database,
  what: { readonly cupsids: readonly number[] } | { readonly keys: readonly EventKey[] },
  note: string,
): Promise<number> {
  const keys = 'keys' in what ? what.keys : undefined;
  const wanted = [...new Set('keys' in what ? what.keys.map(({ cupsid }) => cupsid) : what.cupsids)];
  if (wanted.length === 0) return 0;
  const events = sql.table(status.role, 'production_event');
  const attempts = sql.table(status.role, 'production_status');
  return status.transaction(async (session) => {
    // The rows first, in the order of their ids, as whoever records events locks them.
    const open = await session.query<{ id: number }>(sql`
      select id from ${attempts} where id = any (${wanted}::int[]) and refusal is not null
      order by id for no key update`);
    if (open.length === 0) return 0;
    const ids = open.map(({ id }) => id);
    const resolved = await session.query(sql`
      update ${events} e set applied_at = now() at time zone 'utc', apply_note = ${note}
      where e.kind = 'refused' and e.applied_at is null and e.cupsid = any (${ids}::int[])
        and (
          ${keys === undefined}::boolean
          or (e.cupsid, e.source, e.sequence) in (
            select * from unnest(
              ${(keys ?? []).map((key) => key.cupsid)}::int[],
              ${(keys ?? []).map((key) => refusalSource(key.source))}::text[],
              ${(keys ?? []).map((key) => key.sequence)}::bigint[]
            )
          )
        )
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
