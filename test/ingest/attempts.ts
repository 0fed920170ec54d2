import { sql } from '#db/connect.ts';

import type { Database, Row } from '#db/database.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

/** Attempts of one submission, ready to be spoken of. */
export interface Attempts {
  readonly submission: string;
  readonly ids: readonly number[];
  /** One an attempt. */
  readonly dstfiles: readonly string[];
}

/** What the submission says about the ends of its attempts. */
export interface AttemptTerms {
  readonly canRestart?: boolean;
  readonly successExitCode?: number;
  readonly isProductRequired?: boolean;
}

let products = 0;

/** Puts `count` submitted attempts of a new submission into the database. */
export async function makeAttempts(status: Database, count: number, terms: AttemptTerms = {}): Promise<Attempts> {
  const table = (name: string): ReturnType<typeof sql.table> => sql.table(status.role, name);
  const [setup] = await status.query<{ id: number }>(sql`
    insert into ${table('production_setup')} (name, build, dbtag, repo, dir, hash)
    values ('DST_EVENT_auau23', 'new', '2023p003', 'https://example.org/payload.git', 'payload', 'abc')
    on conflict (name, build, dbtag, hash, coalesce(revision, -1), coalesce(payload, ''), dirty)
      do update set repo = excluded.repo
    returning id`);
  const [submission] = await status.query<{ uuid: string }>(sql`
    insert into ${table('submission')}
      (uuid, rule, backend, state, count, submission_host, submitted_by, can_restart, success_exit_code,
       is_product_required)
    values (gen_random_uuid(), 'DST_EVENT', 'local', 'confirmed', ${count}, 'host', 'tester',
            ${terms.canRestart ?? false}, ${terms.successExitCode ?? null}, ${terms.isProductRequired ?? false})
    returning uuid::text`);
  products += count;
  const rows = await status.query<{ id: number; dstfile: string }>(sql`
    insert into ${table('production_status')}
      (dsttype, dstname, dstfile, run, segment, inputs, ranges, prod_id, status, submission_id, submitting, submitted)
    select 'DST_EVENT_auau23', 'DST_EVENT_auau23_new_2023p003', 'DST_EVENT_auau23_new_2023p003-' || n, n, 0,
           '/raw/a.prdf,/raw/b.prdf', 'a:0:9,b:0:9', ${setup?.id ?? 0}::int, 'submitted', ${submission?.uuid ?? ''}::uuid,
           '2025-04-10', '2025-04-10'
    from generate_series(${products - count + 1}::int, ${products}::int) n returning id, dstfile`);
  return {
    submission: submission?.uuid ?? '',
    ids: rows.map((row) => row.id),
    dstfiles: rows.map((row) => row.dstfile),
  };
}

/** An event of the worker's spool `source`, reported `sequence` seconds after noon. */
export function eventOf(
  cupsid: number,
  sequence: number,
  detail: JobEventDetail,
  more: Partial<Pick<JobEvent, 'start' | 'source' | 'at'>> = {},
): JobEvent {
  const at = new Date(Date.UTC(2025, 3, 10, 12, 0, sequence)).toISOString();
  return { cupsid, source: 'spool', sequence, start: 0, at, detail, ...more };
}

/** A stageout of a file of the given name. */
export function stageoutOf(lfn: string, more: { events?: number; sizeBytes?: number } = {}): JobEventDetail {
  return {
    kind: 'stageout',
    file: {
      lfn,
      path: `/lustre/dst/${lfn}`,
      host: 'lustre',
      sizeBytes: 1000,
      md5: '0123456789abcdef0123456789abcdef',
      run: 22026,
      segment: 0,
      dataset: 'new_2023p003',
      dsttype: 'DST_EVENT_auau23',
      events: 100,
      ...more,
    },
  };
}

/** What the events made of an attempt. */
export async function readAttempt(status: Database, id: number): Promise<Row> {
  const [row] = await status.query(sql`
    select status, start, started, running, ended, last_message, flags, exit_code, nevents, nsegments, inputs,
           execution_node, message, logsize, hold_code, hold_subcode, cpu_seconds, memory_mb
    from ${sql.table(status.role, 'production_status')} where id = ${id}`);
  return row ?? {};
}
