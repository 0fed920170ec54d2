import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';
import { claimLease } from '#db/status/loop/lease.ts';
import { putPause, removePause } from '#db/status/loop/pauses.ts';

import { clearAttempts, readAttempts } from '../dispatch/dispatch-world.ts';
import { bob, config, loop, outcomesOf, rowsOf, rule, turnOf, useLoopWorld, world } from './loop-world.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { LoopInput } from '#loop/run-loop.ts';

useLoopWorld();

test('runs each rule once in a cycle, and a rule that fails stops no other', async () => {
  const heard = await loop(['DST_A', 'DST_BROKEN', 'DST_C']);
  expect(outcomesOf(heard)).toEqual(['DST_A dispatched 3', 'DST_BROKEN failed 0', 'DST_C dispatched 2']);
  expect(heard.passes[1]?.reason).toMatch(/nonsense/u);
  expect(await readAttempts(world.status)).toHaveLength(5);
  expect(outcomesOf(await loop(['DST_A', 'DST_C']))).toEqual(['DST_A dispatched 0', 'DST_C dispatched 0']);
});

test('records every turn, and who has which rule', async () => {
  let during: Awaited<ReturnType<typeof findLoopRules>> = [];
  await loop(['DST_A', 'DST_BROKEN'], {
    onCycle: async () => {
      during = await findLoopRules(world.status);
    },
  });
  expect(during).toMatchObject([
    {
      ...{ rule: 'DST_A', failures: 0, loop: { name: 'ada@alpha', process: 11, isSilent: false } },
      last: { outcome: 'dispatched', submitted: 3, config, funnel: { candidates: 3, counts: { ready: 3 } } },
    },
    { rule: 'DST_BROKEN', failures: 1, last: { outcome: 'failed', reason: expect.stringContaining('nonsense') } },
  ]);
  // A loop that has ended has no rule any more.
  expect((await findLoopRules(world.status)).filter((one) => one.loop !== undefined)).toEqual([]);
});

test('goes on from cycle to cycle until it is stopped, whatever fails', async () => {
  const stop = new AbortController();
  let cycles = 0;
  const heard = await loop(['DST_BROKEN'], {
    ...{ delayMs: 1, stop: stop.signal },
    onCycle: () => {
      cycles += 1;
      if (cycles === 4) stop.abort();
    },
  });
  expect(cycles).toBe(4);
  expect(heard.passes[0]).toMatchObject({ outcome: 'failed' });
});

test('finishes the rule that is under way when it is asked to stop, and begins no other', async () => {
  const stop = new AbortController();
  const heard = await loop(['DST_A', 'DST_C'], { delayMs: 60_000, stop: stop.signal, onTurn: () => stop.abort() });
  expect(outcomesOf(heard)).toEqual(['DST_A dispatched 3']);
});

test('leaves a production to the loop that has its lease, and takes it when that loop is silent (C-Q24)', async () => {
  const production = { dsttype: 'DST_A_run2pp', build: 'ana437', tag: '2024p007', version: 1 };
  await claimLease(world.status, { production, rule: 'DST_A' }, bob, 60_000);
  const first = await loop(['DST_A', 'DST_C']);
  expect(outcomesOf(first)).toEqual(['DST_A elsewhere 0', 'DST_C dispatched 2']);
  expect(first.passes[0]?.reason).toMatch(
    /^The loop of bob@beta \(process 22\) runs it; its lease ends in \d+ s unless/u,
  );
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_lease')} set expires_at = '2020-01-01'`);
  expect(outcomesOf(await loop(['DST_A']))).toEqual(['DST_A dispatched 3']);
});

test('gives the lease of a rule back that is not in its list any more', async () => {
  const stop = new AbortController();
  let names = ['DST_A', 'DST_C'];
  const held: (readonly string[])[] = [];
  await loop([], {
    ...{ delayMs: 1, stop: stop.signal },
    readTurns: () => Promise.resolve(names.map((name) => turnOf(name))),
    onCycle: async () => {
      const rules = await findLoopRules(world.status);
      held.push(rules.filter((one) => one.loop !== undefined).map((one) => one.rule));
      if (held.length === 2) stop.abort();
      names = ['DST_C'];
    },
  });
  expect(held).toEqual([['DST_A', 'DST_C'], ['DST_C']]);
});

test('submits nothing of a rule that only wants its jobs written down', async () => {
  const file = join(world.root, 'dump.yaml');
  await writeFile(file, rule('DST_A', rowsOf(3)).replace('    script:', '    dump: true\n    script:'));
  const heard = await loop([], { readTurns: () => Promise.resolve([turnOf('DST_A', file)]) });
  expect(heard.passes).toMatchObject([{ outcome: 'waited', reason: expect.stringContaining('params.dump') }]);
  expect(await readAttempts(world.status)).toEqual([]);
});

test('writes nothing more where another loop took its production in the middle of a pass', async () => {
  const take = (): Promise<number> =>
    world.status.execute(sql`
      update ${sql.table(world.status.role, 'production_lease')}
      set holder = ${bob.uuid}, held_by = 'bob@beta', fence = nextval(${`${world.status.role.schema}.production_fence`})`);
  const backend: BatchBackend = {
    ...world.backend,
    // Between the reservation and the confirmation.
    submit: async (submission, items) => {
      const outcome = await world.backend.submit(submission, items);
      await take();
      return outcome;
    },
  };
  const heard = await loop(['DST_A'], { backend });
  expect(heard.passes).toMatchObject([{ outcome: 'failed', reason: expect.stringContaining('bob@beta has taken') }]);
  expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(Array(3).fill('submitting'));
  // What was begun is not lost: the next cycle that settles finds the jobs in the queue, and submits none again.
  const next = await loop(['DST_A'], { loop: bob });
  expect(outcomesOf(next)).toEqual(['DST_A dispatched 0']);
  expect((await readAttempts(world.status)).map(({ status }) => status)).toEqual(Array(3).fill('submitted'));
});

test('submits no more than there is room for, and waits where there is none (C-Q25)', async () => {
  const limits = { maxJobs: 4, watermark: 1.05, atWatermark: 'cycle' } as const;
  const heard = await loop(['DST_A', 'DST_C', 'DST_BROKEN'], { limits });
  expect(outcomesOf(heard)).toEqual(['DST_A dispatched 3', 'DST_C dispatched 1', 'DST_BROKEN waited 0']);
  expect(heard.passes[2]).toMatchObject({
    ...{ reason: '4 jobs are in the queue, at most 4 are allowed', gauge: { jobs: 4, idle: 4 } },
  });
});

const withKeys = async (name: string, keys: Readonly<Record<string, string>>): Promise<string> => {
  const file = join(world.root, name);
  const lines = (of: string): string => (keys[of] === undefined ? '' : `  ${keys[of]}\n`);
  await writeFile(
    file,
    `${rule('DST_A', rowsOf(9))}${lines('DST_A')}${rule('DST_C', rowsOf(9))}${lines('DST_C')}`.replaceAll('\n\n', '\n'),
  );
  return file;
};
const inFile = (file: string, names: readonly string[]): Partial<LoopInput> => ({
  readTurns: () => Promise.resolve(names.map((name) => turnOf(name, file))),
});

test('runs first what has priority, and divides the room by shares (C-Q28)', async () => {
  const limits = { maxJobs: 8, watermark: 1.05, atWatermark: 'cycle' } as const;
  const first = await withKeys('priority.yaml', { DST_C: 'priority: 1' });
  const heard = await loop([], { ...inFile(first, ['DST_A', 'DST_C']), limits });
  expect(outcomesOf(heard)).toEqual(['DST_C dispatched 8', 'DST_A waited 0']);
  await clearAttempts(world.status);
  const shared = await withKeys('share.yaml', { DST_A: 'share: 1', DST_C: 'share: 3' });
  expect(outcomesOf(await loop([], { ...inFile(shared, ['DST_A', 'DST_C']), limits }))).toEqual([
    'DST_A dispatched 2',
    'DST_C dispatched 6',
  ]);
  await clearAttempts(world.status);
  const larger = { ...limits, maxJobs: 16 };
  expect(outcomesOf(await loop([], { ...inFile(shared, ['DST_A', 'DST_C']), limits: larger }))).toEqual([
    ...['DST_A dispatched 4', 'DST_C dispatched 9', 'DST_A dispatched 3'],
  ]);
});

test('keeps a rule below its own limits (C-Q27)', async () => {
  const file = await withKeys('caps.yaml', { DST_A: 'max_queued: 4' });
  const turns = inFile(file, ['DST_A', 'DST_C']);
  expect(outcomesOf(await loop([], turns))).toEqual(['DST_A dispatched 4', 'DST_C dispatched 9']);
  const again = await loop([], turns);
  expect(outcomesOf(again)).toEqual(['DST_A waited 0', 'DST_C dispatched 0']);
  expect(again.passes[0]?.reason).toBe("4 of its jobs are in the queue: 'max_queued' allows 4");
});

test('sends the first jobs alone, and the rest when these have finished well (C-Q33)', async () => {
  const turns = inFile(await withKeys('scouts.yaml', { DST_A: 'scouts: 3' }), ['DST_A']);
  const end = (state: string, which: string): Promise<number> =>
    world.status.execute(sql`
      update ${sql.table(world.status.role, 'production_status')} set status = ${state}::${sql.table(world.status.role, 'prodstate')}
      where run::text = ${which} and retired_at is null`);
  expect(outcomesOf(await loop([], turns))).toEqual(['DST_A dispatched 3']);
  await end('finished', '1');
  await end('failed', '2');
  const waiting = await loop([], turns);
  expect(outcomesOf(waiting)).toEqual(['DST_A waited 0']);
  expect(waiting.passes[0]?.reason).toBe(
    "1 of 3 scouts finished, 1 under way, 1 failed (DST_A_run2pp_ana437_2024p007_v001-00000002-00000): the other jobs wait until they are redone ('scouts')",
  );
  const redone = [{ ...turnOf('DST_A'), ...(await turns.readTurns?.())?.[0] }].map((turn) => ({
    ...turn,
    options: { ...turn.options, unblock: ['failed' as const] },
  }));
  expect(outcomesOf(await loop([], { readTurns: () => Promise.resolve(redone) }))).toEqual(['DST_A dispatched 1']);
  await end('finished', '2');
  await end('finished', '3');
  expect(outcomesOf(await loop([], turns))).toEqual(['DST_A dispatched 6']);
});

test('waits where the output directory has not enough room (C-Q27)', async () => {
  const site = { ...world.site, gateway: { ...world.site.gateway, url: 'http://127.0.0.1:1' } };
  const heard = await loop(['DST_A'], { site: { ...site, limits: { ...site.limits, freeBytes: 1e18 } } });
  expect(outcomesOf(heard)).toEqual(['DST_A waited 0']);
  expect(heard.passes[0]?.reason).toMatch(
    /^'.*\/out' has .*B free: 1000000 TB are needed \('limits\.free_space_gb'\)$/u,
  );
  expect(await findAlarms(world.status)).toMatchObject([{ cause: 'disk:DST_A' }]);
  await loop(['DST_A']);
  expect(await findAlarms(world.status)).toEqual([]);
  await loop(['DST_A'], { site: { ...site, limits: { ...site.limits, freeBytes: 1e18 } } });
  expect(await findAlarms(world.status)).toHaveLength(1);
  // It has left the list.
  await loop(['DST_C']);
  expect(await findAlarms(world.status)).toEqual([]);
});

test('raises an alarm for attempts that are in a state for too long, and clears it', async () => {
  await loop(['DST_A']);
  const site = { ...world.site, gateway: { ...world.site.gateway, url: 'http://127.0.0.1:1' } };
  const watched = { site: { ...site, deadlines: { ...site.deadlines, submitted: 3_600_000, running: 1 } } };
  await loop([], watched);
  expect(await findAlarms(world.status)).toEqual([]);
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')}
    set submitted = submitted - make_interval(hours => run)`);
  await loop([], watched);
  expect(await findAlarms(world.status)).toMatchObject([
    {
      ...{ cause: 'deadline:DST_A/submitted', rule: 'DST_A' },
      what: expect.stringMatching(
        /^3 attempts of 'DST_A' have been submitted for longer than 1h \('deadlines'\), '.*-00000003-00000' for 3h/u,
      ),
    },
  ]);
  await clearAttempts(world.status);
  await loop([], watched);
  expect(await findAlarms(world.status)).toEqual([]);
});

test('takes the deadlines of a rule where it has any, and those of the site again when it has none (C-Q39)', async () => {
  const file = join(world.root, 'deadlines.yaml');
  const write = (deadlines: string) => writeFile(file, `${rule('DST_A', rowsOf(2))}${deadlines}`);
  const cycle = async () => {
    await loop([], { readTurns: () => Promise.resolve([turnOf('DST_A', file)]) });
    await loop([], { readTurns: () => Promise.resolve([]) });
    return (await findAlarms(world.status)).map(({ cause }) => cause);
  };
  await write('');
  await cycle();
  await world.status.execute(sql`update ${sql.table(world.status.role, 'production_status')}
    set submitted = submitted - make_interval(hours => 1)`);
  expect(await cycle()).toEqual([]);
  await write('  deadlines: {submitted: 30m, running: 2h}\n');
  expect(await cycle()).toEqual(['deadline:DST_A/submitted']);
  await write('  deadlines: {submitted: 2h}\n');
  expect(await cycle()).toEqual([]);
  await write('  deadlines: {submitted: 30m}\n');
  expect(await cycle()).toEqual(['deadline:DST_A/submitted']);
  await write('  deadlines: {running: 1s}\n');
  expect(await cycle()).toEqual([]);
});

test.each([
  ['cycle', false],
  ['exit', true],
] as const)(
  'submits nothing above the watermark, and ends the loop if that is wanted (%s)',
  async (atWatermark, isEnd) => {
    await loop(['DST_A']);
    const heard = await loop(['DST_A', 'DST_C'], { limits: { maxJobs: 2, watermark: 1, atWatermark } });
    expect(outcomesOf(heard)).toEqual(['DST_A waited 0', 'DST_C waited 0']);
    expect(heard.passes[1]?.reason).toBe('3 jobs are in the queue, more than the watermark of 2');
    expect(heard.result.isEnd).toBe(isEnd);
  },
);

test('waits where the batch system does not say how full it is', async () => {
  const countQueue = () => Promise.resolve({ kind: 'unknown', reason: 'no answer' } as const);
  const heard = await loop(['DST_A'], { backend: { ...world.backend, countQueue } });
  expect(heard.passes).toMatchObject([{ outcome: 'waited', reason: 'It is unknown how full the queue is: no answer' }]);
  expect(heard.result.turns[0]?.error).toMatchObject({ code: 'batch-no-answer' });
});

test('reports what the operator should know of a rule', async () => {
  const file = join(world.root, 'twice.yaml');
  await writeFile(file, rule('DST_A', rowsOf(1).replace(/ from /u, ' from generate_series(1, 2) twice, ')));
  const warnings: string[] = [];
  await loop([], {
    readTurns: () => Promise.resolve([turnOf('DST_A', file)]),
    onWarning: (name, sentence) => warnings.push(`${name}: ${sentence}`),
  });
  expect(warnings).toEqual([
    'DST_A: 1 row left out: same as an earlier row',
    expect.stringMatching(/^DST_A: Commit .* is not published/u),
  ]);
});

test('leaves a rule alone that a person has paused, until it is resumed', async () => {
  await putPause(world.status, { rule: 'DST_A', reason: 'calibration is wrong', by: 'eve' });
  const heard = await loop(['DST_A', 'DST_C']);
  expect(outcomesOf(heard)).toEqual(['DST_A waited 0', 'DST_C dispatched 2']);
  expect(heard.passes[0]?.reason).toBe('eve paused it: calibration is wrong');
  expect(await removePause(world.status, 'DST_A')).toBe(true);
  expect(await removePause(world.status, 'DST_A')).toBe(false);
  expect(outcomesOf(await loop(['DST_A']))).toEqual(['DST_A dispatched 3']);
});
