import { sql } from '../connect.ts';

import type { JobState } from '#model/job/job-state.ts';

import type { Queryable } from '../connect.ts';

/**
 * Finds the submissions of a batch system that have attempts which are final: their jobs should have left it.
 *
 * @returns uuids, the newest first
 * @throws DatabaseError
 */
export async function findSubmissionsWithEnded(
  status: Queryable,
  backend: string,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select s.uuid::text as uuid from ${sql.table(status.role, 'submission')} s
    where s.state = 'confirmed' and s.backend = ${backend}
      and s.reserved_at > (now() at time zone 'utc') - make_interval(days => ${days})
      and exists (
        select 1 from ${sql.table(status.role, 'production_status')} p
        where p.submission_id = s.uuid and p.status in ('finished', 'failed')
      )
    order by s.reserved_at desc limit ${limit}`);
  return rows.map(({ uuid }) => uuid);
}

/** A final attempt whose job may still be in the queue: held, or started again. */
export interface EndedAttempt {
  readonly id: number;
  readonly submission: string;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
  readonly rule: string | null;
  readonly dsttype: string;
  readonly state: JobState;
  /** The start that ended it; -1 where it had none, or that is not known. */
  readonly start: number;
  /** When it was last heard of; milliseconds since 1970. */
  readonly lastMessageMs: number | null;
}

/**
 * Likewise those whose jobs the batch system may start again.
 *
 * @param rule only those of this rule
 * @throws DatabaseError
 */
export async function findRestartableWithEnded(
  status: Queryable,
  backend: string,
  { days, limit, rule }: { readonly days: number; readonly limit: number; readonly rule?: string },
): Promise<readonly string[]> {
  const rows = await status.query<{ readonly uuid: string }>(sql`
    select s.uuid::text as uuid from ${sql.table(status.role, 'submission')} s
    where s.can_restart and s.state = 'confirmed' and s.backend = ${backend}
      and (${rule ?? null}::text is null or s.rule = ${rule ?? null})
      and s.reserved_at > (now() at time zone 'utc') - make_interval(days => ${days})
      and exists (
        select 1 from ${sql.table(status.role, 'production_status')} p
        where p.submission_id = s.uuid and p.final_state is not null
      )
    order by s.reserved_at desc limit ${limit}`);
  return rows.map(({ uuid }) => uuid);
}

/**
 * Finds out which of these attempts are final.
 *
 * @throws DatabaseError
 */
export function findEnded(status: Queryable, ids: readonly number[]): Promise<readonly EndedAttempt[]> {
  return status.query<EndedAttempt>(sql`
    select id, submission_id::text as submission, dstfile, run, segment, rule, dsttype, status::text as state, start,
           (extract(epoch from last_message) * 1000)::float8 as "lastMessageMs"
    from ${sql.table(status.role, 'production_status')}
    where id = any (${ids}::int[]) and submission_id is not null and status in ('finished', 'failed') order by id`);
}
