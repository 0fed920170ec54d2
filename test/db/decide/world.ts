import { openDatabase, sql } from '#db/connect.ts';
import { decide } from '#db/decide/decide.ts';
import { readReady } from '#db/decide/read-ready.ts';
import { roleNames } from '#model/site.ts';

import type { Database, OpenSession, Session } from '#db/connect.ts';
import type { DecisionRequest, InputSource, ListedFile } from '#db/decide/decision-request.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { RowSelection } from '#model/row-selection.ts';
import type { Role, RoleName } from '#model/site.ts';

/** A row of a rule's query; kept in the table `proposal` of the query's role, in this order. */
export interface Proposal {
  readonly run: number | null;
  readonly segment: number | null;
  readonly files: string | null;
  readonly ranges?: string | null;
  readonly stream?: string | null;
  readonly firstevent?: number | null;
}

export interface Attempt {
  readonly dstfile: string;
  readonly state: JobState;
  readonly isRetired?: boolean;
}

export interface InvalidEntry {
  readonly dstname: string;
  readonly runs: readonly [number, number];
  readonly segments?: readonly [number, number];
  readonly isExpired?: boolean;
}

export interface CatalogFile {
  readonly lfn: string;
  readonly path: string;
  readonly host?: string;
  /** Minutes after some moment. */
  readonly time?: number;
}

/** All that a decision looks at. */
export interface World {
  readonly proposals: readonly Proposal[];
  readonly attempts: readonly Attempt[];
  readonly invalid: readonly InvalidEntry[];
  /** Filenames in `datasets`. */
  readonly datasets: readonly string[];
  readonly files: readonly CatalogFile[];
  readonly listed?: readonly ListedFile[];
}

export const emptyWorld: World = { proposals: [], attempts: [], invalid: [], datasets: [], files: [] };

/** The four databases of a site, opened. */
export interface Databases {
  readonly databases: Readonly<Record<RoleName, Database>>;
  /** Runs an action in a session as good as new: a new one would cost as much as the decision. */
  withSession<T>(action: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openAll(roles: Readonly<Record<RoleName, Role>>): Databases {
  const open = (role: RoleName): Database => openDatabase(roles[role], { applicationName: 'decide test', max: 2 });
  const databases = { daq: open('daq'), raw: open('raw'), catalog: open('catalog'), status: open('status') };
  let kept: OpenSession | undefined;
  let isClosing = false;
  return {
    databases,
    withSession: async (action) => {
      const session = kept ?? (await databases.status.openSession());
      // After an error the session goes.
      kept = undefined;
      await session.execute(sql`discard all`);
      const result = await action(session).catch(async (error: unknown) => {
        await session.close();
        throw error;
      });
      // A property whose time is up goes on behind the test's back.
      if (isClosing) await session.close();
      else kept = session;
      return result;
    },
    close: async () => {
      isClosing = true;
      await kept?.close();
      for (const role of roleNames) await databases[role].close();
    },
  };
}

/** Makes the query's table, once. */
export async function makeProposals({ databases }: Databases): Promise<void> {
  await databases.daq.execute(sql`create table ${sql.table(databases.daq.role, 'proposal')}
    (n int, source text, runnumber bigint, segment int, files text, fileranges text, streamname text, firstevent int)`);
}

/** Replaces whatever the databases held. */
export async function putWorld({ databases }: Databases, world: World): Promise<void> {
  const { daq, status, catalog } = databases;
  const table = (database: Database, name: string): ReturnType<typeof sql.table> => sql.table(database.role, name);
  // Not 'truncate': new files for all tables and indexes cost more than everything else here.
  await daq.execute(sql`delete from ${table(daq, 'proposal')}`);
  await daq.execute(sql`insert into ${table(daq, 'proposal')}
    select ordinality, 'daq/proposal', run, segment, files, ranges, stream, firstevent
    from rows from (jsonb_to_recordset(${JSON.stringify(world.proposals)}::jsonb)
      as (run bigint, segment int, files text, ranges text, stream text, firstevent int)) with ordinality`);
  for (const name of ['production_status', 'production_setup', 'invalid_run_list']) {
    await status.execute(sql`delete from ${table(status, name)}`);
  }
  await status.execute(sql`insert into ${table(status, 'production_setup')} (name, build, dbtag, repo, dir, hash)
    values ('DST_X_run2pp', 'new', '2024p001', 'repo', 'dir', 'hash')`);
  await status.execute(sql`insert into ${table(status, 'production_status')}
      (id, dsttype, dstname, dstfile, run, segment, inputs, prod_id, status, retired_at)
    select ordinality, 'DST_X_run2pp', split_part(dstfile, '-', 1), dstfile, 0, 0, '',
      (select id from ${table(status, 'production_setup')}),
      state::${table(status, 'prodstate')}, case when "isRetired" then now() end
    from rows from (jsonb_to_recordset(${JSON.stringify(world.attempts)}::jsonb)
      as (dstfile text, state text, "isRetired" boolean)) with ordinality`);
  for (const entry of world.invalid) {
    await status.execute(sql`insert into ${table(status, 'invalid_run_list')}
        (dstname, first_run, last_run, first_segment, last_segment, expires_at)
      values (${entry.dstname}, ${entry.runs[0]}, ${entry.runs[1]}, ${entry.segments?.[0] ?? 0},
        ${entry.segments?.[1] ?? 99999}, ${entry.isExpired === true ? '2001-01-01' : '2161-10-11'})`);
  }
  for (const name of ['datasets', 'files']) await catalog.execute(sql`delete from ${table(catalog, name)}`);
  await catalog.execute(sql`insert into ${table(catalog, 'datasets')} (filename, runnumber, segment, dataset, dsttype)
    select distinct filename, 0, 0, 'some_dataset', 'DST_X_run2pp' from unnest(${world.datasets}::text[]) filename`);
  await catalog.execute(sql`insert into ${table(catalog, 'files')} (lfn, full_host_name, full_file_path, time)
    select lfn, coalesce(host, 'lustre'), path, timestamp '2025-01-01' + make_interval(mins => "time")
    from jsonb_to_recordset(${JSON.stringify(world.files)}::jsonb) as (lfn text, host text, path text, "time" int)
    on conflict do nothing`);
}

export async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item;
}

/** What a request of these tests leaves to say. */
export interface Ask {
  readonly dsttype?: string;
  readonly version?: number;
  readonly selection?: RowSelection;
  readonly unblockStates?: readonly JobState[];
  readonly isResubmit?: boolean;
  readonly cap?: number;
  readonly inputs?: InputSource;
  readonly query?: string;
  readonly role?: RoleName;
}

const proposalQuery = `select source, runnumber, segment, files, fileranges, streamname, firstevent
from proposal order by n`;

export function makeRequest(ask: Ask): DecisionRequest {
  return {
    rule: 'DST_X',
    query: { role: ask.role ?? 'daq', text: ask.query ?? proposalQuery },
    production: {
      dsttype: ask.dsttype ?? 'DST_X_run2pp',
      build: 'new',
      tag: '2024p001',
      ...(ask.version === undefined ? {} : { version: ask.version }),
    },
    selection: ask.selection ?? {},
    unblockStates: ask.unblockStates ?? [],
    isResubmit: ask.isResubmit ?? false,
    ...(ask.cap === undefined ? {} : { cap: ask.cap }),
    inputs: ask.inputs ?? { kind: 'catalog' },
  };
}

/** A decision's funnel and its ready rows; `also` may look into the session before it ends. */
export async function decideIn(
  { databases, withSession }: Databases,
  request: DecisionRequest,
  also?: (session: Session) => Promise<void>,
): Promise<{ readonly funnel: Funnel; readonly ready: readonly CandidateRow[] }> {
  return withSession(async (session) => {
    const { funnel } = await decide(session, request, { databases, statementTimeoutMs: 30_000 });
    const ready: CandidateRow[] = [];
    for await (const rows of readReady(session, 3)) ready.push(...rows);
    await also?.(session);
    return { funnel, ready };
  });
}
