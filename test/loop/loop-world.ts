import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach } from 'vitest';

import { openDatabase, sql } from '#db/connect.ts';
import { runLoop } from '#loop/run-loop.ts';
import { defaultRunOptions } from '#model/run-options.ts';

import { clearAttempts, openDispatchWorld } from '../dispatch/dispatch-world.ts';
import { renderTestBlocks, renderTestRule } from '../dispatch/test-rule.ts';
import { commitAll } from '../util/commit-all.ts';
import { silentLog } from '../util/silent-log.ts';

import type { BatchBackend, BatchJob } from '#batch/backend.ts';
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
/** The catalog of {@link world}. */
export let catalog: Database;

/** A rule with this query, which is asked of the status database or of the catalog; `more` are further keys, as YAML. */
export const rule = (name: string, query: string, db: 'fc' | 'status' = 'status', more = ''): string =>
  renderTestRule(name, renderTestBlocks(world.root, db, query), more);
/** A query with runs from 1 on. */
export const rowsOf = (last: number): string =>
  `select 'x' as source, runnumber, 0 as segment, 'f' as files from generate_series(1, ${last}) as runnumber where true {run_condition}`;

const tablesOfLoops = [
  ...[
    'production_lease',
    'production_pass',
    'rule_pause',
    'rule_input',
    'triggered_run',
    'policy_action',
    'rule_deadline',
  ],
  ...['product_request', 'invalid_run_list', 'rule_breaker', 'bad_node', 'scout_memory', 'notification', 'alarm'],
] as const;

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
    for (const name of tablesOfLoops) {
      await world.status.execute(sql`delete from ${sql.table(world.status.role, name)}`);
    }
  });
}

/** The loop of a test. */
export const ada: LoopIdentity = { uuid: '11111111-0000-0000-0000-000000000000', name: 'ada@alpha', process: 11 };
/** Another loop than {@link ada}. */
export const bob: LoopIdentity = { uuid: '22222222-0000-0000-0000-000000000000', name: 'bob@beta', process: 22 };

/** A turn of a rule of {@link config}, or of another file, for runs 1 to 99. */
export const turnOf = (name: string, file = config): LoopTurn => ({
  ...{ rule: name, config: file, isYes: false },
  options: { ...defaultRunOptions, submitDirectory: world.root, now: '', runs: { kind: 'range', first: 1, last: 99 } },
  wish: { isForced: true, isMarkingHeld: false, isClearingHeld: false, by: 'tester' },
});

/** The input of a loop over these turns, of one cycle unless there is a delay; `more` replaces what else it says. */
export function makeLoopInput(turns: readonly LoopTurn[], more: Partial<LoopInput> = {}): LoopInput {
  const { site, status, backend, workerDirectory } = world;
  return {
    ...{ loop: ada, backend, workerDirectory, leaseMs: 60_000, log: silentLog },
    site: { ...site, gateway: { ...site.gateway, url: 'http://127.0.0.1:1' } },
    databases: { daq: status, raw: status, catalog, status },
    limits: { maxJobs: 1000, watermark: 1.05, atWatermark: 'cycle' },
    readTurns: () => Promise.resolve(turns),
    stop: new AbortController().signal,
    ...{ say: () => undefined, onBegin: () => undefined, onSettled: () => undefined, onTurn: () => undefined },
    ...{ onCycle: () => undefined, onWarning: () => undefined },
    ...more,
  };
}

/** The result of a loop. */
export interface Heard {
  readonly passes: PassRecord[];
  readonly result: CycleResult;
}

/** Runs a loop over these rules of {@link config}; one cycle unless there is a delay. */
export async function loop(names: readonly string[], more: Partial<LoopInput> = {}): Promise<Heard> {
  const passes: PassRecord[] = [];
  const turns = names.map((name) => turnOf(name));
  const result = await runLoop({
    ...makeLoopInput(turns, more),
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

/** A backend that remembers the jobs that it is given. */
export function remembering(jobs: BatchJob[]): BatchBackend {
  return {
    ...world.backend,
    submit: (submission, items) =>
      world.backend.submit(
        submission,
        (async function* () {
          for await (const job of items) {
            jobs.push(job);
            yield job;
          }
        })(),
      ),
  };
}
