import { sql } from '#db/connect.ts';

import type { Database, Statement } from '#db/connect.ts';

/** Products of one run. */
export const segmentsPerRun = 100;

/** The run of the first product. */
export const firstRun = 40_000;

/** What differs between rules that make `DST_CALO` of `DST_CALOFITTING`, as lines of YAML. */
export interface CaloRuleParts {
  readonly params?: readonly string[];
  readonly filesystem?: readonly string[];
  readonly job: readonly string[];
}

/** Writes the rule file of {@link CaloRuleParts}. */
export function caloRule({ params = [], filesystem = [], job }: CaloRuleParts): string {
  const block = (lines: readonly string[]): string => lines.map((line) => `    ${line}\n`).join('');
  return `
DST_CALO:
  params:
    name: DST_CALO_run2pp
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 2048MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
${block(params)}  input:
    db: filecatalog
    query: |-
      select 'filecatalog/datasets' as source, runnumber, segment, filename as files,
             filename || ':0:' || events as fileranges, firstevent, lastevent
      from datasets
      where filename like 'DST_CALOFITTING_run2pp_ana437_2024p007_v001%'
      {run_condition}
      order by runnumber, segment
      {limit_condition}
${filesystem.length === 0 ? '' : `  filesystem:\n${block(filesystem)}`}  job:
${block(job)}`;
}

/** `run` and `segment` of so many products, as rows. */
export function numbersSql(products: number): Statement {
  return sql`select n / ${segmentsPerRun}::int + ${firstRun}::int as run, n % ${segmentsPerRun}::int as segment
    from generate_series(0, ${products - 1}::int) n`;
}

/** The dstfile of a row of {@link numbersSql}. */
export function dstfileSql(type: 'DST_CALO' | 'DST_CALOFITTING'): Statement {
  return sql`${`${type}_run2pp_ana437_2024p007_v001-`}::text || lpad(run::text, 8, '0') || '-' || lpad(segment::text, 5, '0')`;
}

/** Puts so many products of a type into the catalog's `datasets`. */
export async function putDatasets(
  catalog: Database,
  type: 'DST_CALO' | 'DST_CALOFITTING',
  products: number,
): Promise<void> {
  await catalog.execute(sql`insert into ${sql.table(catalog.role, 'datasets')}
      (filename, runnumber, segment, size, dataset, dsttype, events, firstevent, lastevent)
    select ${dstfileSql(type)} || '.root', run, segment, 123456789, 'ana437_2024p007_v001', ${`${type}_run2pp`}, 1000,
      segment * 1000, segment * 1000 + 999 from (${numbersSql(products)}) s`);
}

/** Puts the files of all inputs that are in the catalog's `datasets` there too. */
export async function putInputFiles(catalog: Database): Promise<void> {
  await catalog.execute(sql`insert into ${sql.table(catalog.role, 'files')}
      (lfn, full_host_name, full_file_path, time, size, md5)
    select filename, 'lustre', '/lustre/production/run2pp/physics/ana437_2024p007_v001/DST_CALOFITTING/run_'
        || lpad((runnumber / 100 * 100)::text, 8, '0') || '/dst/' || filename, now(), size, md5(filename)
    from ${sql.table(catalog.role, 'datasets')} where dsttype = 'DST_CALOFITTING_run2pp'`);
}

/** Puts an ended attempt of `DST_CALO` for each of so many products; those of every fiftieth run have failed. */
export async function putAttempts(status: Database, candidates: number): Promise<void> {
  await status.execute(sql`insert into ${sql.table(status.role, 'production_setup')}
    (name, build, dbtag, repo, dir, hash, revision) values ('DST_CALO_run2pp', 'ana.437', '2024p007', 'r', 'd', 'h', 1)`);
  await status.execute(sql`insert into ${sql.table(status.role, 'production_status')}
      (dsttype, dstname, dstfile, run, segment, inputs, ranges, prod_id, status, submitting, submitted, started,
       running, ended, nevents, rule, execution_node, submission_host)
    select 'DST_CALO_run2pp', 'DST_CALO_run2pp_ana437_2024p007_v001', ${dstfileSql('DST_CALO')}, run, segment,
      '/lustre/production/run2pp/physics/ana437_2024p007_v001/DST_CALOFITTING/run/dst/' || ${dstfileSql('DST_CALOFITTING')},
      'x:0:1000', 1, case when n.run % 50 = 0 then 'failed' else 'finished' end::${sql.table(status.role, 'prodstate')},
      now(), now(), now(), now(), now(), 1000, 'DST_CALO', 'node0123', 'submit01'
    from (${numbersSql(candidates)}) n`);
}
