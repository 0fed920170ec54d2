import { sql } from '../connect.ts';

import type { JobState } from '#model/job/job-state.ts';

import type { Queryable } from '../connect.ts';

/** One submission of which the batch system must be asked, because attempts of it are not final. */
export interface SubmissionWithOpen {
  readonly uuid: string;
  readonly rule: string;
  /** Attempts that are not final, retired ones among them. */
  readonly open: number;
  /** Its number in the batch system; null where that is not known. */
  readonly cluster: number | null;
  /** That the batch system makes no further jobs of it, as it was seen last; null while it does. */
  readonly stop: RecordedStop | null;
}

/** What is recorded of a submission of which the batch system makes no further jobs. */
export interface RecordedStop {
  readonly kind: 'held' | 'broken';
  readonly reason: string;
  /** Process number of the first job that was not made. */
  readonly next: number;
  /** When it was first seen; milliseconds since 1970. */
  readonly sinceMs: number;
}

/** An attempt that is not final, as far as the batch system's word about it is concerned. */
export interface OpenAttempt {
  readonly id: number;
  readonly submission: string;
  readonly run: number;
  readonly segment: number;
  readonly process: number;
  readonly state: JobState;
  /** -1 before the first. */
  readonly start: number;
  readonly holdCode: number | null;
  readonly holdSubcode: number | null;
  /** The exit code that the job reported in this start, where that end is provisional. */
  readonly exitCode: number | null;
  /** Why the attempt does not count any more; null where it does. */
  readonly retiredReason: string | null;
  /** The batch system is known to have its submission. */
  readonly isConfirmed: boolean;
  /** When something was last said in this start, by the teller's clock; milliseconds since 1970. */
  readonly lastMessageMs: number | null;
  readonly submittedMs: number | null;
}

/**
 * Finds the submissions of a batch system that have attempts which are not final, oldest first. Attempts without a
 * submission (of older systems) are left alone.
 *
 * @param rule only those of this rule
 * @throws DatabaseError
 */
export function findSubmissionsWithOpen(
  status: Queryable,
  backend: string,
  rule?: string,
): Promise<readonly SubmissionWithOpen[]> {
  return status.query<SubmissionWithOpen>(sql`
    select s.uuid::text as uuid, s.rule, o.open, s.cluster,
           case when s.stop_kind is not null then jsonb_build_object(
             'kind', s.stop_kind, 'reason', s.stop_reason, 'next', s.stop_next,
             'sinceMs', (extract(epoch from s.stopped_at) * 1000)::float8) end as stop
    from (
      select submission_id, count(*)::int as open from ${sql.table(status.role, 'production_status')}
      where final_state is null and submission_id is not null
      group by submission_id
    ) o
    join ${sql.table(status.role, 'submission')} s on s.uuid = o.submission_id
    where s.backend = ${backend} and (${rule ?? null}::text is null or s.rule = ${rule ?? null})
    order by s.reserved_at, s.uuid`);
}

/**
 * Finds the attempts of these submissions that are not final, by submission and process. Left out are those that wait in
 * a queue of which the batch system has not even made the jobs, and retired ones while it is not certain that what
 * replaces them stays.
 *
 * @param nextProcesses one a submission: from here on attempts that wait are left out
 * @throws DatabaseError
 */
export function findOpenAttempts(
  status: Queryable,
  uuids: readonly string[],
  nextProcesses: readonly number[],
): Promise<readonly OpenAttempt[]> {
  const table = sql.table(status.role, 'production_status');
  const submissions = sql.table(status.role, 'submission');
  return status.query<OpenAttempt>(sql`
    select p.id, p.submission_id::text as submission, p.run, p.segment, p.process, p.status::text as state, p.start,
           p.hold_code as "holdCode", p.hold_subcode as "holdSubcode", p.exit_code as "exitCode",
           case when p.retired_at is not null then coalesce(p.retired_reason, 'no reason given') end as "retiredReason",
           s.state = 'confirmed' as "isConfirmed",
           (extract(epoch from p.last_message) * 1000)::float8 as "lastMessageMs",
           (extract(epoch from coalesce(p.submitted, p.submitting)) * 1000)::float8 as "submittedMs"
    from unnest(${uuids}::uuid[], ${nextProcesses}::int[]) as asked (uuid, next)
    join ${submissions} s on s.uuid = asked.uuid
    join ${table} p on p.submission_id = s.uuid
    where p.final_state is null
      and (p.process < asked.next or p.status <> 'submitted')
      and (p.retired_at is null or not exists (
        select 1 from ${table} live join ${submissions} r on r.uuid = live.submission_id
        where live.dstfile = p.dstfile and live.retired_at is null and r.state = 'reserved'
      ))
    order by p.submission_id, p.process`);
}
