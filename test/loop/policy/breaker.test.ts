import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { findPauses, removePause } from '#db/status/loop/pauses.ts';
import { findOpenBreakers } from '#db/status/policy/breakers.ts';
import { applyBreaker } from '#loop/policy/apply-breaker.ts';
import { defaultBreaker } from '#model/policy/breaker.ts';

import { loop, outcomesOf, rowsOf, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

useLoopWorld();

/** Runs `DST_A` once; what is said about it. */
async function cycle(retry?: string) {
  const file = join(world.root, 'breaker.yaml');
  const text = rule('DST_A', rowsOf(3)).trimEnd();
  await writeFile(file, retry === undefined ? `${text}\n` : `${text}\n  retry: ${retry}\n`);
  const warnings: string[] = [];
  const heard = await loop([], {
    readTurns: () => Promise.resolve([turnOf('DST_A', file)]),
    onWarning: (_, sentence) => warnings.push(sentence),
  });
  return { outcomes: outcomesOf(heard), reasons: heard.passes.map(({ reason }) => reason), warnings };
}

let made = 0;
/** Adds attempts of `DST_A` that ended so many minutes ago. */
async function add(count: number, state: 'failed' | 'finished', minutes: number, columns = ''): Promise<void> {
  const first = 1000 + made;
  made += count;
  const attempts = sql.table(world.status.role, 'production_status');
  const setups = sql.table(world.status.role, 'production_setup');
  await world.status.execute(sql`
    insert into ${setups} (name, build, dbtag, repo, dir, hash) values ('x', 'x', 'x', 'x', 'x', 'x') on conflict do nothing`);
  await world.status.execute(sql`
    insert into ${attempts} (dsttype, dstname, dstfile, run, segment, inputs, prod_id, status, submitted, ended, rule)
    select 'x', 'x', 'x-' || n, n, 0, 'f', s.id, ${state}, now() at time zone 'utc',
           (now() at time zone 'utc') - make_interval(mins => ${minutes}), 'DST_A'
    from ${setups} s, generate_series(${first}::int, ${first + count - 1}::int) n where s.hash = 'x'`);
  if (columns === '') return;
  await world.status.execute(sql`update ${attempts} set ${sql.verbatim(columns)} where run >= ${first}`);
}

/** Judges `DST_A` without a loop. */
const judge = () =>
  applyBreaker({
    ...{ rule: 'DST_A', settings: defaultBreaker, isActive: true, status: world.status },
    guard: () => Promise.resolve(),
  });

const breakerOf = async () => (await findOpenBreakers(world.status))[0];

test('pauses a rule whose failure rate jumps, and names the most frequent failure (C-Q34)', async () => {
  await add(98, 'finished', 120);
  await add(2, 'failed', 120);
  await add(8, 'finished', 30);
  await add(9, 'failed', 30, "exit_code = 66, message = 'No space left in /tmp/' || run, execution_node = 'bad.farm'");
  await add(3, 'failed', 30, "exit_code = 137, message = 'Killed', execution_node = 'good.farm'");
  const reason =
    'too many failures: 12 of 20 jobs that ended within 1h failed (60 %; 2 % of 100 in the 7d before), ' +
    'most often with exit code 66 (9 times, all on bad.farm): No space left in /tmp/1108';
  const heard = await cycle('{mode: active}');
  expect(heard.outcomes).toEqual(['DST_A waited 0']);
  expect(heard.reasons).toEqual([`Paused by the retry policy: ${reason.replace('1108', String(1000 + made - 12))}`]);
  expect(await findPauses(world.status)).toMatchObject([{ rule: 'DST_A', by: 'policy' }]);
  expect(await findAlarms(world.status)).toMatchObject([
    {
      ...{ cause: 'breaker:DST_A', rule: 'DST_A', advice: "Fix the cause, then call 'ramenya resume DST_A'" },
      what: `Rule 'DST_A' is paused by ${reason.replace('1108', String(1000 + made - 12))}`,
    },
  ]);
  expect(await breakerOf()).toMatchObject({ isActive: true });
  expect((await cycle('{mode: active}')).outcomes).toEqual(['DST_A waited 0']);
});

test('counts only new failures once a person has resumed the rule', async () => {
  await add(20, 'failed', 30, 'exit_code = 1');
  expect(await judge()).toMatchObject({ isPaused: true, isNew: true });
  await removePause(world.status, 'DST_A');
  expect(await findAlarms(world.status)).toEqual([]);
  expect(await breakerOf()).toBeUndefined();
  expect(await judge()).toBeUndefined();
  // The failures that opened it are not its usual failure rate.
  const resumed = sql.table(world.status.role, 'rule_breaker');
  await world.status.execute(sql`update ${resumed} set resumed_at = resumed_at - interval '10 minutes'`);
  await add(30, 'finished', 90);
  await add(20, 'failed', 5, 'hold_code = 34');
  expect((await judge())?.reason).toBe(
    '20 of 20 jobs that ended within 1h failed (100 %; 0 % of 30 in the 7d before), most often with hold code 34 (20 times)',
  );
});

test.for([
  ['too few jobs have ended', [[19, 'failed', 30, '']]],
  [
    'fewer than half of them failed',
    [
      ...[
        [19, 'failed', 30, ''],
        [21, 'finished', 30, ''],
      ],
    ],
  ],
  [
    'they failed as often before',
    [
      ...[
        [20, 'failed', 30, ''],
        [6, 'failed', 300, ''],
        [4, 'finished', 300, ''],
      ],
    ],
  ],
  ['they ended longer ago', [[40, 'failed', 90, '']]],
  ['a person removed the jobs', [[40, 'failed', 30, "message = 'via condor_rm (by user ada)'"]]],
  ['others had replaced them', [[40, 'failed', 30, "retired_at = ended - interval '1 minute'"]]],
  ['they were never submitted', [[40, 'failed', 30, 'submitted = null']]],
] as const)('does not pause a rule if %s', async ([, ends]) => {
  for (const [count, state, minutes, columns] of ends) await add(count, state, minutes, columns);
  expect(await judge()).toBeUndefined();
});

test('counts jobs that the batch system removed, and those that the retry policy did again', async () => {
  await add(10, 'failed', 30, "message = 'The job attribute PeriodicRemove expression evaluated to TRUE'");
  await add(10, 'failed', 30, "hold_code = 34, message = 'via condor_rm', retired_at = ended + interval '1 minute'");
  expect(await judge()).toMatchObject({ isPaused: true });
});

test('only reports by default, without `retry` too, until the failure rate is as before', async () => {
  await add(25, 'failed', 30, 'exit_code = 1');
  const heard = await cycle();
  const reason =
    '25 of 25 jobs that ended within 1h failed (100 %; none ended in the 7d before), most often with exit code 1 (25 times)';
  expect(heard.outcomes).toEqual(['DST_A dispatched 3']);
  const isAboutBreaker = (sentence: string): boolean => sentence.includes('breaker');
  expect(heard.warnings.filter(isAboutBreaker)).toEqual([`The breaker would pause this rule: ${reason}`]);
  // Said once.
  expect((await cycle('{mode: passive}')).warnings.filter(isAboutBreaker)).toEqual([]);
  expect(await breakerOf()).toMatchObject({ isActive: false, reason });
  expect(await findPauses(world.status)).toEqual([]);
  expect(await findAlarms(world.status)).toEqual([]);
  await add(100, 'finished', 5);
  await cycle();
  expect(await breakerOf()).toBeUndefined();
});

test('is as strict as the rule says, or off', async () => {
  await add(4, 'failed', 90, 'exit_code = 1');
  await add(4, 'finished', 90);
  expect(await judge()).toBeUndefined();
  expect((await cycle('{mode: active, breaker: {within: 2h, jobs: 8}}')).outcomes).toEqual(['DST_A waited 0']);
  await removePause(world.status, 'DST_A');
  await add(40, 'failed', 0);
  expect((await cycle('{mode: active, breaker: off}')).outcomes).toEqual(['DST_A dispatched 3']);
  expect(await judge()).toMatchObject({ isPaused: true });
});
