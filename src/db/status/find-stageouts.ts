import { sql } from '../connect.ts';

import type { StagedFile } from '#model/job/job-event.ts';

import type { Queryable, Statement } from '../connect.ts';

/** The key of an event; the month of its partition is not part of it. */
export interface EventKey {
  readonly cupsid: number;
  readonly source: string;
  readonly sequence: number;
}

/** What an attempt is to make: its columns in `production_status`. */
export interface AttemptProduct {
  /** The product. */
  readonly dstfile: string;
  readonly dsttype: string;
  readonly dstname: string;
  readonly run: number;
  readonly segment: number;
}

/** A staged file as an event reported it, and what became of it. */
export interface Stageout extends EventKey {
  /** The start of the job that reported it. */
  readonly start: number;
  readonly file: StagedFile;
  readonly product: AttemptProduct;
  readonly isApplied: boolean;
  /** Why it will not be applied by itself, if that was decided. */
  readonly note: string | null;
  /** Why the attempt no longer counts, if so. */
  readonly retiredReason: string | null;
  /** The same attempt staged the same file again later: that one counts. */
  readonly isSuperseded: boolean;
  /** A report of the attempt was refused, or remarked on, and that is not resolved. */
  readonly hasRefusal: boolean;
}

function selectStageoutsSql(status: Queryable, which: Statement): Statement {
  const events = sql.table(status.role, 'production_event');
  // A wrong clock of one node must not make an earlier file the later one.
  const eventMoment = sql.table(status.role, 'event_moment');
  const moment = (of: 'e' | 'n'): Statement =>
    of === 'e'
      ? sql`${eventMoment}(e.at, e.clock_offset_ms, e.received_at)`
      : sql`${eventMoment}(n.at, n.clock_offset_ms, n.received_at)`;
  return sql`
    select e.cupsid, e.source, e.sequence, e.start, e.detail -> 'file' as file,
           json_build_object('dstfile', s.dstfile, 'dsttype', s.dsttype, 'dstname', s.dstname,
                             'run', s.run, 'segment', s.segment) as product,
           e.applied_at is not null as "isApplied",
           e.apply_note as note,
           case when s.retired_at is not null then coalesce(s.retired_reason, 'no reason given') end as "retiredReason",
           exists (
             select from ${events} n
             where n.cupsid = e.cupsid and n.kind = 'stageout'
               and (n.start, ${moment('n')}, n.arrival) > (e.start, ${moment('e')}, e.arrival)
               and n.detail -> 'file' -> 'lfn' = e.detail -> 'file' -> 'lfn'
               and n.detail -> 'file' -> 'path' = e.detail -> 'file' -> 'path'
               and n.detail -> 'file' -> 'host' = e.detail -> 'file' -> 'host'
           ) as "isSuperseded",
           s.refusal is not null as "hasRefusal"
    from ${events} e join ${sql.table(status.role, 'production_status')} s on s.id = e.cupsid
    where ${which}`;
}

/**
 * Finds stageouts by their keys; keys of other events, or of none, are not in the answer.
 *
 * @throws DatabaseError
 */
export function findStageouts(status: Queryable, keys: readonly EventKey[]): Promise<readonly Stageout[]> {
  return status.query<Stageout>(
    selectStageoutsSql(
      status,
      sql`e.kind = 'stageout' and (e.cupsid, e.source, e.sequence) in (
        select * from unnest(
          ${keys.map((key) => key.cupsid)}::int[],
          ${keys.map((key) => key.source)}::text[],
          ${keys.map((key) => key.sequence)}::bigint[]
        )
      )`,
    ),
  );
}

/**
 * Finds stageouts that are neither applied nor put aside, the oldest first.
 *
 * @throws DatabaseError
 */
export function findPendingStageouts(status: Queryable, limit: number): Promise<readonly Stageout[]> {
  return status.query<Stageout>(
    selectStageoutsSql(
      status,
      sql`e.kind = 'stageout' and e.applied_at is null and e.apply_note is null
          order by e.received_at limit ${limit}`,
    ),
  );
}
