import { reservationLockOf } from '#model/production.ts';
import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { PayloadOrigin } from '#model/payload.ts';
import type { Production } from '#model/production.ts';

import type { Session } from '../../connect.ts';

/** A submission to be, and which ready rows of the session's decision it takes. */
export interface ReservationRequest {
  readonly uuid: string;
  readonly rule: string;
  readonly backend: string;
  /** Name of the submitting host up to its first dot. */
  readonly host: string;
  readonly submittedBy: string;
  /** The submission's own directory. */
  readonly directory: string;
  readonly setupId: number;
  /** Of what the jobs stage: the snapshot's hash. */
  readonly payload: string;
  /** Where that came from. */
  readonly payloadOrigin: PayloadOrigin;
  /** What would have refused the dispatch without `--doit`, a line each; empty: nothing. */
  readonly overridden: readonly string[];
  readonly production: Production;
  /** Attempts that are in another state by now are not replaced. */
  readonly unblockStates: readonly JobState[];
  /** Takes rows with a greater ordinal only; -1 for all. */
  readonly after: number;
  /** Rows at most. */
  readonly atMost: number;
  readonly terms: SubmissionTerms;
}

/** What a submission says about the ends of its attempts: columns of `submission`, for the transition function. */
export interface SubmissionTerms {
  /** The batch system may start a job again that has ended. */
  readonly canRestart: boolean;
  /** The exit code of a job that has done its work; absent: 0. */
  readonly successExitCode?: number;
  /** An attempt that ends without its product is failed. */
  readonly isProductRequired: boolean;
}

/** How many rows were reserved, and how many were lost to other dispatchers; of one call. */
export interface Reservation {
  /** Attempts of the submission, with process numbers from 0 without gaps, in query order. */
  readonly reserved: number;
  /** Rows whose product another dispatcher took in the meantime. */
  readonly lost: number;
  /** Ordinal of the last row that was looked at; `after` where there was none. */
  readonly last: number;
}

/**
 * Writes the attempts of a submission, from `pg_temp.ready` of this session, and retires those that they replace: part
 * of a transaction of the caller, committed before anything is submitted. Without any row there is no
 * submission either.
 *
 * Products are written in one order everywhere, and reservations of one production wait for each other, so dispatchers
 * do not deadlock; the index over live attempts lets one of them win.
 *
 * @throws DatabaseError
 * @see sql/status/0001-attempts.sql, `production_status_live`
 */
export async function reserveJobs(session: Session, request: ReservationRequest): Promise<Reservation> {
  const { uuid, after, terms } = request;
  const key = `slurp reserve ${reservationLockOf(request.production)}`;
  await session.query(sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`);
  const [found] = await session.query<{ readonly offered: number; readonly last: number | null }>(sql`
    select count(*)::int as offered, max(ordinal) as last from (
      select ordinal from pg_temp.ready where ordinal > ${after} order by ordinal limit ${request.atMost}
    ) s`);
  const { offered, last: lastOffered } = assertPresent(found, 'a count');
  const last = lastOffered ?? after;
  if (offered === 0) return { reserved: 0, lost: 0, last };

  await session.execute(sql`
    insert into ${sql.table(session.role, 'submission')}
      (uuid, rule, backend, count, submission_host, submitted_by, directory, can_restart, success_exit_code,
       is_product_required, payload, payload_origin, overridden)
    values (${uuid}, ${request.rule}, ${request.backend}, 0, ${request.host}, ${request.submittedBy},
            ${request.directory}, ${terms.canRestart}, ${terms.successExitCode ?? null}, ${terms.isProductRequired},
            ${request.payload}, ${JSON.stringify(request.payloadOrigin)}::jsonb,
            ${request.overridden.length === 0 ? null : request.overridden.join('\n')})`);
  await markReplaced(session, request, last);
  const reserved = await putAttempts(session, request, last);
  if (reserved < offered) await putProcessesInOrder(session, uuid);
  await session.execute(
    reserved === 0
      ? sql`delete from ${sql.table(session.role, 'submission')} where uuid = ${uuid}`
      : sql`update ${sql.table(session.role, 'submission')} set count = ${reserved} where uuid = ${uuid}`,
  );
  return { reserved, lost: offered - reserved, last };
}

async function markReplaced(session: Session, request: ReservationRequest, last: number): Promise<void> {
  const status = sql.table(session.role, 'production_status');
  // In the order of ids, as everybody who writes several attempts at once locks them.
  await session.execute(sql`
    update ${status} old
    set retired_at = now() at time zone 'utc', retired_by = ${request.submittedBy},
        retired_reason = ${`replaced in submission ${request.uuid}`}
    from (
      select p.id from ${status} p
      where p.id in (select replaces from pg_temp.ready where ordinal > ${request.after} and ordinal <= ${last})
        and p.retired_at is null and p.status::text = any (${request.unblockStates}::text[])
      order by p.id for no key update
    ) replaced
    where old.id = replaced.id`);
}

async function putAttempts(session: Session, request: ReservationRequest, last: number): Promise<number> {
  const status = sql.table(session.role, 'production_status');
  return session.execute(sql`
    insert into ${status}
      (dsttype, dstname, dstfile, run, segment, inputs, ranges, prod_id, process, status, submitting, submission_host,
       rule, submission_id, replaces, attempt_number)
    select r.dsttype, r.dstname, r.dstfile, r.run, r.segment,
           r.inputs, coalesce(nullif(r.ranges, ''), 'unset'),
           ${request.setupId}::int, r.process, 'submitting', now() at time zone 'utc', ${request.host}, ${request.rule},
           ${request.uuid}::uuid, r.replaces,
           1 + greatest(
             (select coalesce(max(p.attempt_number), 0) from ${status} p where p.dstfile = r.dstfile),
             (select coalesce(max(p.attempt_number), 0) from ${status} p where p.id = r.replaces)
           )
    from (
      select *, row_number() over (order by ordinal) - 1 as process from pg_temp.ready
      where ordinal > ${request.after} and ordinal <= ${last}
    ) r
    order by r.dstfile
    on conflict (dstfile) where retired_at is null do nothing`);
}

/** Closes the gaps in the process numbers; what was retired for a row that then was lost is live again. */
async function putProcessesInOrder(session: Session, uuid: string): Promise<void> {
  const status = sql.table(session.role, 'production_status');
  await session.execute(sql`
    update ${status} p set process = n.process
    from (
      select id, row_number() over (order by process) - 1 as process from ${status} where submission_id = ${uuid}
    ) n
    where p.id = n.id and p.process <> n.process`);
  await session.execute(sql`
    update ${status} old
    set retired_at = null, retired_by = null, retired_reason = null
    where old.retired_reason = ${`replaced in submission ${uuid}`}
      and old.id in (select replaces from pg_temp.ready where replaces is not null)
      and not exists (select 1 from ${status} live where live.dstfile = old.dstfile and live.retired_at is null)
      and not exists (select 1 from ${status} new where new.submission_id = ${uuid} and new.replaces = old.id)`);
}
