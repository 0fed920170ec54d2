import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { runLoop } from '#loop/run-loop.ts';
import { defaultRunOptions } from '#model/run-options.ts';
import { present } from '#util/present.ts';

import { clearAttempts, openDispatchWorld } from '../dispatch/dispatch-world.ts';
import { commitAll } from '../util/commit-all.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Database } from '#db/connect.ts';
import type { CycleResult } from '#loop/run-cycle.ts';
import type { LoopInput } from '#loop/run-loop.ts';
import type { LoopTurn } from '#loop/run-turn.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { PassRecord } from '#model/report/loop-status.ts';

import type { DispatchWorld } from '../dispatch/dispatch-world.ts';

/** What a loop of a test runs on. Set before the first test of a file. */
export let world: DispatchWorld;
/** The file of the rules `DST_A` (3 runs), `DST_BROKEN` and `DST_C` (2 runs). */
export let config = '';
let catalog: Database;

/** A rule with this query. */
export const rule = (name: string, query: string): string => `
${name}:
  params:
    name: ${name}_run2pp
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 1024MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: status
    query: ${query}
  filesystem:
    outdir: "${world.root}/out"
    logdir: "file://${world.root}/log"
    histdir: "${world.root}/hist"
    condor: "${world.root}/condor"
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;
/** A query with runs from 1 on. */
export const rowsOf = (last: number): string =>
  `select 'x' as source, runnumber, 0 as segment, 'f' as files from generate_series(1, ${last}) as runnumber where true {run_condition}`;

/** Opens the world for the tests of a file. */
export function useLoopWorld(): void {
  beforeAll(async () => {
    world = await openDispatchWorld();
    catalog = openDatabase(world.site.roles.catalog, { applicationName: 'test' });
    await commitAll(join(world.root, 'payload'));
    await mkdir(join(world.root, 'data'));
    await catalog.execute(sql`
    insert into ${sql.table(catalog.role, 'files')} (lfn, full_host_name, full_file_path, time, size, md5)
    values ('f', 'host', '/data/f', now(), 1, 'x')`);
    config = join(world.root, 'rules.yaml');
    await writeFile(
      config,
      `${rule('DST_A', rowsOf(3))}${rule('DST_BROKEN', 'select nonsense {run_condition}')}${rule('DST_C', rowsOf(2))}`,
    );
  });
  afterAll(async () => {
    await catalog.close();
    await world.close();
  });
  beforeEach(async () => {
    await clearAttempts(world.status);
    for (const name of ['production_lease', 'production_pass', 'rule_pause', 'policy_action', 'product_request']) {
      await world.status.execute(sql`delete from ${sql.table(world.status.role, name)}`);
    }
  });
}

const ada: LoopIdentity = { uuid: '11111111-0000-0000-0000-000000000000', name: 'ada@alpha', process: 11 };
/** Another loop than that of {@link loop}. */
export const bob: LoopIdentity = { uuid: '22222222-0000-0000-0000-000000000000', name: 'bob@beta', process: 22 };

/** A turn of a rule of {@link config}. */
export const turnOf = (name: string, maxJobs?: number): LoopTurn => ({
  ...{ rule: name, config, isYes: false },
  options: { ...defaultRunOptions, submitDirectory: world.root, now: '', runs: { kind: 'range', first: 1, last: 9 } },
  wish: { isForced: true, isMarkingHeld: false, isClearingHeld: false, by: 'tester', ...present({ maxJobs }) },
});

/** What came of a loop. */
export interface Heard {
  readonly passes: PassRecord[];
  readonly result: CycleResult;
}

/** Runs a loop over these rules; one cycle unless there is a delay. */
export async function loop(names: readonly string[], more: Partial<LoopInput> = {}): Promise<Heard> {
  const passes: PassRecord[] = [];
  const { site, status, backend, workerDirectory } = world;
  const result = await runLoop({
    ...{ loop: ada, backend, workerDirectory, leaseMs: 60_000, log: silentLog },
    site: { ...site, gateway: { ...site.gateway, url: 'http://127.0.0.1:1' } },
    databases: { daq: status, raw: status, catalog, status },
    limits: { maxJobs: 1000, watermark: 1.05, atWatermark: 'cycle' },
    readTurns: () => Promise.resolve(names.map((name) => turnOf(name))),
    stop: new AbortController().signal,
    ...{
      say: () => undefined,
      onBegin: () => undefined,
      onSettled: () => undefined,
      onCycle: () => undefined,
      onWarning: () => undefined,
    },
    ...more,
    onTurn: async (turn) => {
      passes.push(turn.pass);
      await more.onTurn?.(turn);
    },
  });
  return { passes, result };
}

/** `RULE OUTCOME SUBMITTED` of each pass. */
export const outcomesOf = ({ passes }: Heard): readonly string[] =>
  passes.map(({ rule: name, outcome, submitted }) => `${name} ${outcome} ${submitted}`);
