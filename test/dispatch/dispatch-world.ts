import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { defaultDeadlines } from '#model/job/deadlines.ts';
import { defaultNodes } from '#model/policy/bad-node.ts';

import { testDatabase } from '../db/test-database.ts';
import { prepareTestRuleOf, testDstfile, testDstname } from './test-rule.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, OpenSession } from '#db/connect.ts';
import type { DispatchedPayload } from '#dispatch/payload/prepare-payload.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { HtcondorSite, Role, RoleName, Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** A site on a real database with a real local batch system (whose queue does not run), for one test file. */
export interface DispatchWorld {
  readonly root: string;
  readonly site: Site;
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly payload: DispatchedPayload;
  readonly workerDirectory: string;
  close(): Promise<void>;
}

/** Makes the record of a site around a state directory. */
export function makeTestSite(
  stateDirectory: string,
  roles: Readonly<Record<RoleName, Role>>,
  htcondor?: Partial<HtcondorSite>,
): Site {
  return {
    kind: 'external',
    mode: 'production',
    stateDirectory,
    roles,
    batch: {
      backend: htcondor === undefined ? 'local' : 'htcondor',
      local: { slots: 2 },
      htcondor: { commands: {}, maxJobsPerSubmission: 1000, schedds: [], commandTimeoutMs: 60_000, ...htcondor },
    },
    gateway: { host: '127.0.0.1', port: 0, isInsecure: false },
    spoolDirectory: join(stateDirectory, 'spool'),
    logDirectory: join(stateDirectory, 'logs'),
    payloads: { directory: join(stateDirectory, 'payloads'), limitBytes: 1e9, keepMs: 30 * 24 * 3600 * 1000 },
    worker: { reportTimeoutMs: 1000, inputsTimeoutMs: 1000, isSupervised: true },
    limits: { busyDutyCycle: 0.95, idleAtLeast: 1000, freeBytes: 1 },
    nodes: defaultNodes,
    notify: {},
    deadlines: defaultDeadlines,
    diskCheckMs: 6 * 3_600_000,
    statementTimeoutMs: 60_000,
  };
}

/** Opens a {@link DispatchWorld}; on HTCondor where something is said about it. */
export async function openDispatchWorld(
  options: { readonly htcondor?: Partial<HtcondorSite> } = {},
): Promise<DispatchWorld> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-dispatch-'));
  for (const name of ['state', 'worker', 'payload']) await mkdir(join(root, name), { mode: 0o700 });
  await writeFile(join(root, 'worker', 'wrapper.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  await writeFile(join(root, 'payload', 'run.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const database = await testDatabase();
  const status = openDatabase(database.roles.status, { applicationName: 'test' });
  const site = makeTestSite(join(root, 'state'), database.roles, options.htcondor);
  return {
    root,
    site,
    status,
    backend: makeBackend(site),
    payload: testPayload(root),
    workerDirectory: join(root, 'worker'),
    close: async () => {
      await status.close();
      await database.close();
      await rm(root, { recursive: true });
    },
  };
}

/** A payload that is as it should be, whose jobs stage from the submit directory itself. */
export function testPayload(root: string): DispatchedPayload {
  return {
    repository: { hash: 'abc1234', repo: 'https://example.org/payload.git' },
    snapshot: {
      ...{ hash: 'f'.repeat(40), stageDirectory: root, moved: new Map(), files: [], sizeBytes: 0, wasMade: false },
    },
    ...{ origin: { checkouts: [], outside: [] }, isDirty: false, overridden: [], notes: [] },
  };
}

/** A rule of a name of its own, ready, whose outputs go below a directory. */
export function prepareTestRule(root: string, options: Partial<RunOptions> = {}, filesystem = root): PreparedRule {
  return prepareTestRuleOf(
    root,
    `  input:
    db: fc
    query: select 'x' as source, 1 as runnumber, 0 as segment, 'f' as files
  filesystem:
    outdir: "${filesystem}/out/$(rungroup)"
    logdir: "file://${filesystem}/log/$(rungroup)"
    histdir: "${filesystem}/hist"
    condor: "${filesystem}/condor"`,
    options,
  );
}

/** Opens a session as a decision leaves it: `ready` holds these runs, in this order. */
export async function openReady(
  status: Database,
  runs: readonly number[],
  replaces: ReadonlyMap<number, number> = new Map(),
): Promise<OpenSession> {
  const session = await status.openSession();
  await session.script(`create temp table ready (ordinal int not null, run int not null, segment int not null,
    streamname text, dsttype text not null, dstname text not null, dstfile text not null, source text not null,
    inputs text not null, ranges text not null, extra jsonb not null, replaces int)`);
  const rows = runs.map((run, index) => ({
    ...{ ordinal: index + 1, run, segment: 0, dsttype: 'DST_TEST_run2pp' },
    ...{ dstname: testDstname, dstfile: testDstfile(run), source: 'fc/files' },
    ...{ inputs: `/data/a-${run}.evt,/data/b-${run}.evt`, ranges: '', extra: {}, replaces: replaces.get(run) ?? null },
  }));
  await session.execute(sql`
    insert into pg_temp.ready
    select r.* from jsonb_populate_recordset(null::pg_temp.ready, ${JSON.stringify(rows)}::jsonb) r`);
  return session;
}

/** The rows of production_status that a test looks at, by run and attempt. */
export interface AttemptRow {
  readonly id: number;
  readonly run: number;
  readonly process: number;
  readonly cluster: number;
  readonly status: string;
  readonly attemptNumber: number;
  readonly isLive: boolean;
  readonly retiredReason: string | null;
  readonly submission: string | null;
}

/** Reads all attempts. */
export function readAttempts(status: Database): Promise<readonly AttemptRow[]> {
  return status.query<AttemptRow>(sql`
    select id, run, process, cluster, status::text, attempt_number as "attemptNumber", retired_at is null as "isLive",
           retired_reason as "retiredReason", submission_id::text as submission
    from ${sql.table(status.role, 'production_status')} order by run, attempt_number`);
}

/** Reads all submissions. */
export function readSubmissions(
  status: Database,
): Promise<readonly { readonly uuid: string; readonly state: string; readonly count: number }[]> {
  return status.query(sql`
    select uuid::text, state, count from ${sql.table(status.role, 'submission')} order by reserved_at`);
}

/** Empties what dispatches write. */
export async function clearAttempts(status: Database): Promise<void> {
  for (const name of ['production_status', 'submission', 'production_setup']) {
    await status.execute(sql`delete from ${sql.table(status.role, name)}`);
  }
}
