import { sql } from '#db/connect.ts';

import type { Database } from '#db/connect.ts';

/** The columns of an attempt that a test sets; the others are as a dispatch makes them. */
export interface TestAttempt {
  readonly dsttype?: string;
  readonly dstname?: string;
  readonly run: number;
  readonly segment?: number;
  readonly status: string;
  readonly prod?: number;
  readonly cluster?: number;
  readonly process?: number;
  readonly submission_id?: string;
  /** Times are UTC, as PostgreSQL reads them. */
  readonly submitting?: string;
  readonly submitted?: string;
  readonly started?: string;
  readonly running?: string;
  readonly ended?: string;
  readonly nevents?: number;
  readonly exit_code?: number;
  readonly retired_at?: string;
}

/** Adds a setup and attempts to the status database, as they are named. @returns ids of setup and attempts */
export async function putAttempts(
  status: Database,
  attempts: readonly TestAttempt[],
): Promise<{ readonly prodId: number; readonly ids: readonly number[] }> {
  const setups = await status.query<{ id: number }>(sql`
    insert into ${sql.table(status.role, 'production_setup')} (name, build, dbtag, repo, dir, hash, revision)
    values ('DST_TEST_run2pp', 'ana.437', '2024p007', 'repo', 'dir', gen_random_uuid()::text, 1) returning id`);
  const prodId = setups[0]?.id ?? 0;
  const rows = attempts.map((attempt) => {
    const { dsttype = 'DST_TEST_run2pp', run, segment = 0 } = attempt;
    const dstname = attempt.dstname ?? `${dsttype}_ana437_2024p007_v001`;
    const dstfile = `${dstname}-${String(run).padStart(8, '0')}-${String(segment).padStart(5, '0')}`;
    return { cluster: 0, process: 0, nevents: 0, ...attempt, dsttype, dstname, segment, dstfile, prod_id: prodId };
  });
  const table = sql.table(status.role, 'production_status');
  const made = await status.query<{ id: number }>(sql`
    insert into ${table} (dsttype, dstname, dstfile, run, segment, prod_id, inputs, status, cluster, process,
      submission_id, submitting, submitted, started, running, ended, nevents, exit_code, retired_at)
    select dsttype, dstname, dstfile, run, segment, prod_id, 'unset', status, cluster, process,
      submission_id, submitting, submitted, started, running, ended, nevents, exit_code, retired_at
    from jsonb_populate_recordset(null::${table}, ${JSON.stringify(rows)}::jsonb)
    returning id`);
  return { prodId, ids: made.map(({ id }) => id) };
}
