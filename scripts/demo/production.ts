import { sql } from '#db/connect.ts';

import type { Database } from '#db/connect.ts';

/** The rules of the demo, in the order of the chain. */
export const demoRules = ['DST_EVENT', 'DST_CALOR', 'HIST_CALOR'] as const;

/** How one rule is doing. */
export interface RuleProgress {
  readonly rule: string;
  /** Attempts that count: not retired. */
  readonly attempts: number;
  readonly finished: number;
  readonly failed: number;
  readonly events: number;
  /** From the first submission to the last end. */
  readonly seconds: number;
}

/** Asks how each rule of the demo is doing; in the order of the chain, each once. */
export async function findProgress(status: Database): Promise<readonly RuleProgress[]> {
  const rows = await status.query<RuleProgress>(sql`
    select replace(dsttype, '_demo25', '') as rule,
           count(*) as attempts,
           count(*) filter (where status = 'finished') as finished,
           count(*) filter (where status = 'failed') as failed,
           coalesce(sum(nevents), 0)::bigint as events,
           coalesce(round(extract(epoch from max(ended) - min(submitting))), 0)::int as seconds
      from ${sql.table(status.role, 'production_status')}
     where retired_at is null and dsttype like '%\\_demo25'
     group by dsttype`);
  const nothing = { attempts: 0, finished: 0, failed: 0, events: 0, seconds: 0 };
  return demoRules.map((rule) => rows.find((row) => row.rule === rule) ?? { rule, ...nothing });
}

/**
 * Finds whether nothing is left to do: all jobs have ended, and since then each rule has had a pass that found nothing.
 */
export async function findWhetherQuiet(status: Database): Promise<boolean> {
  const [answer] = await status.query<{ readonly isQuiet: boolean }>(sql`
    with jobs as (
      select count(*) filter (where status not in ('finished', 'failed')) as open, max(last_message) as latest
        from ${sql.table(status.role, 'production_status')} where retired_at is null
    ), last_passes as (
      select distinct on (rule) rule, started_at, outcome, submitted
        from ${sql.table(status.role, 'production_pass')} where runs is null order by rule, id desc
    )
    select jobs.open = 0 and count(*) = ${demoRules.length}
           and bool_and(p.outcome in ('dispatched', 'unchanged') and p.submitted = 0
             and p.started_at > coalesce(jobs.latest, '-infinity')) as "isQuiet"
      from jobs left join last_passes p on p.rule = any(${[...demoRules]}::text[])
     group by jobs.open, jobs.latest`);
  return answer?.isQuiet === true;
}

/** A job of the demo that failed. */
export interface FailedJob {
  readonly dstfile: string;
  readonly exitCode: number | null;
  readonly message: string | null;
}

/** Lists the jobs of the demo that failed, at most ten. */
export async function findFailures(status: Database): Promise<readonly FailedJob[]> {
  return status.query<FailedJob>(sql`
    select dstfile, exit_code as "exitCode", message
      from ${sql.table(status.role, 'production_status')}
     where retired_at is null and dsttype like '%\\_demo25' and status = 'failed'
     order by dstfile limit 10`);
}

/** A file of the demo in the catalog. */
export interface CatalogFile {
  readonly lfn: string;
  readonly path: string;
  readonly size: number;
  readonly dsttype: string;
  readonly events: number;
}

/** Lists what the demo has registered in the file catalog, in order of the names. */
export async function findCatalogFiles(catalog: Database): Promise<readonly CatalogFile[]> {
  return catalog.query<CatalogFile>(sql`
    select files.lfn, files.full_file_path as path, files.size, datasets.dsttype, datasets.events
      from ${sql.table(catalog.role, 'files')} as files
      join ${sql.table(catalog.role, 'datasets')} as datasets on datasets.filename = files.lfn
     where datasets.dsttype like '%\\_demo25'
     order by files.lfn`);
}
