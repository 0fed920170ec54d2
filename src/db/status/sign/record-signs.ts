import { sql } from '../../connect.ts';

import type { SignOfLife, SignOutcome } from '#model/job/sign-of-life.ts';

import type { Queryable } from '../../connect.ts';

/** A sign of life, and whose attempts its sender may report about. */
export interface SignToRecord {
  readonly sign: SignOfLife;
  /** Uuid of the submission whose attempts the sender may report about. */
  readonly submission: string;
}

/**
 * Records signs of life, in one transaction: the newest of each attempt stays. Those of attempts that have ended, and of
 * earlier starts, are ignored.
 *
 * @returns one outcome a sign, in order
 * @throws DatabaseError; then nothing was recorded
 */
export async function recordSigns(
  status: Queryable,
  signs: readonly SignToRecord[],
): Promise<readonly Exclude<SignOutcome, 'invalid'>[]> {
  const items = signs.map(({ sign, submission }) => ({ submission, ...sign }));
  const rows = await status.query<{ outcome: Exclude<SignOutcome, 'invalid'> }>(
    sql.prepared(
      'record-signs',
      sql`
    with sign as (
      select n.*, case
        when s.id is null then 'unknown-attempt'
        when n.submission is distinct from s.submission_id then 'forbidden'
        when s.final_state is not null or n.start < s.start then 'ignored'
        else 'recorded'
      end as outcome
      from rows from (
        jsonb_to_recordset(${JSON.stringify(items)}::jsonb) as (
          cupsid int, submission uuid, start int, sequence bigint, at timestamp, events bigint, "memoryBytes" bigint,
          "diskBytes" bigint
        )
      ) with ordinality as n (
        cupsid, submission, start, sequence, at, events, memory_bytes, disk_bytes, item
      )
      left join ${sql.table(status.role, 'production_status')} s on s.id = n.cupsid
    ),
    -- In the order of ids: two gateways do not wait for each other.
    written as (
      insert into ${sql.table(status.role, 'sign_of_life')} as g
        (cupsid, start, sequence, at, received_at, events, memory_bytes, disk_bytes)
      select distinct on (cupsid) cupsid, start, sequence, at, now() at time zone 'utc', events, memory_bytes, disk_bytes
      from sign
      where outcome = 'recorded'
      order by cupsid, start desc, sequence desc
      on conflict (cupsid) do update set
        start = excluded.start, sequence = excluded.sequence, at = excluded.at, received_at = excluded.received_at,
        events = excluded.events, memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes
        where (excluded.start, excluded.sequence) > (g.start, g.sequence)
      returning cupsid, start, sequence
    )
    select case when n.outcome = 'recorded' and w.cupsid is null then 'ignored' else n.outcome end as outcome
    from sign n
    left join written w on w.cupsid = n.cupsid and w.start = n.start and w.sequence = n.sequence
    order by n.item`,
    ),
  );
  return rows.map(({ outcome }) => outcome);
}
