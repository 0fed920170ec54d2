import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeJobFinisher } from '#batch/htcondor/submit/finish-job.ts';
import { sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { findBadNodes, markNodeAllowed } from '#db/status/policy/bad-nodes.ts';
import { putBadNodes } from '#loop/policy/put-bad-nodes.ts';
import { defaultNodes } from '#model/policy/bad-node.ts';
import { renderNodes } from '#reports/loop/render-nodes.ts';

import { loop, outcomesOf, remembering, rowsOf, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

import type { BatchJob } from '#batch/backend.ts';

useLoopWorld();

/** Runs `DST_A` with so many runs once; what is submitted, as HTCondor would get it. */
async function cycle(last: number, retry?: string) {
  const file = join(world.root, 'nodes.yaml');
  const text = rule('DST_A', rowsOf(last)).trimEnd();
  await writeFile(file, retry === undefined ? `${text}\n` : `${text}\n  retry: ${retry}\n`);
  const jobs: BatchJob[] = [];
  const warnings: string[] = [];
  const heard = await loop([], {
    readTurns: () => Promise.resolve([turnOf('DST_A', file)]),
    backend: remembering(jobs),
    onWarning: (_, sentence) => warnings.push(sentence),
  });
  const submission = {
    ...{ uuid: 'u', batchName: 'b', count: 1, directory: '/d', submitDirectory: '/d', spoolDirectory: '/d' },
    ...{ workerDirectory: '/d', isSupervised: true, environment: {} },
  };
  const finisher = makeJobFinisher({ submission, site: { commands: {} }, ownFiles: [] });
  const requirements = jobs.map((job) => finisher.finish(job).get('requirements') ?? '');
  return { outcomes: outcomesOf(heard), warnings, requirements };
}

let made = 0;
/** Adds attempts for different products that ended on a node half an hour ago, after so many seconds. */
async function add(
  node: string,
  count: number,
  state: 'failed' | 'finished',
  seconds: number,
  more: Partial<Ended> = {},
) {
  const { of = 'DST_A', columns = '', products = count } = more;
  const first = 1000 + made;
  made += count;
  const attempts = sql.table(world.status.role, 'production_status');
  const setups = sql.table(world.status.role, 'production_setup');
  await world.status.execute(sql`
    insert into ${setups} (name, build, dbtag, repo, dir, hash) values ('x', 'x', 'x', 'x', 'x', 'x') on conflict do nothing`);
  await world.status.execute(sql`
    insert into ${sql.table(world.status.role, 'submission')} (uuid, rule, backend, state, count, submission_host, submitted_by)
    select gen_random_uuid(), ${of}, 'local', 'confirmed', 1, 'h', 'x'
    where not exists (select from ${sql.table(world.status.role, 'submission')} where rule = ${of})`);
  await world.status.execute(sql`
    insert into ${attempts} (dsttype, dstname, dstfile, run, segment, inputs, prod_id, status, submitted, started, ended, rule,
      execution_node, submission_id, retired_at)
    select 'x', 'x', 'x-' || ${first}::int + n % ${products}::int, ${first}::int + n, 0, 'f', s.id, ${state}, e.at, e.at - make_interval(secs => ${seconds}),
           e.at, ${of}, ${node}, u.uuid, e.at
    from ${setups} s, generate_series(0, ${count - 1}::int) n,
         (select (now() at time zone 'utc') - interval '30 minutes' as at) e,
         (select uuid from ${sql.table(world.status.role, 'submission')} where rule = ${of} limit 1) u
    where s.hash = 'x'`);
  if (columns === '') return;
  await world.status.execute(sql`update ${attempts} set ${sql.verbatim(columns)} where run >= ${first}`);
}
interface Ended {
  readonly of: string;
  readonly columns: string;
  readonly products: number;
}

/** Four nodes that do well, some of whose jobs fail. */
async function addGoodNodes(): Promise<void> {
  for (const node of ['a.farm', 'b.farm', 'c.farm', 'd.farm']) {
    await add(node, 10, 'finished', 3600);
    await add(node, 1, 'failed', 10);
  }
}

const find = async (changes: Partial<typeof defaultNodes> = {}): Promise<readonly string[]> => {
  await putBadNodes(world.status, { ...defaultNodes, ...changes });
  return (await findBadNodes(world.status)).map(
    ({ node, mayBeAvoided }) => `${node}${mayBeAvoided ? '' : ' only reported'}`,
  );
};

test('new jobs of active rules avoid a node on which many jobs fail quickly, and only there, for a day (C-Q35)', async () => {
  await addGoodNodes();
  await add('bad.farm', 12, 'failed', 5, { columns: 'exit_code = 1' });
  await add('bad.farm', 1, 'finished', 3600);
  const passive = await cycle(2);
  expect(passive.outcomes).toEqual(['DST_A dispatched 2']);
  expect(passive.requirements.join()).not.toContain('bad.farm');
  const [reported] = await findBadNodes(world.status);
  const reason = '12 of 13 jobs of DST_A failed there in the last 6h, 12 quickly; 9 % fail on other nodes';
  expect(reported).toEqual({ ...reported, node: 'bad.farm', reason, mayBeAvoided: true });
  expect(reported?.avoidedAt).toBeUndefined();
  expect(await findAlarms(world.status)).toEqual([]);
  const until = reported?.expiresAt.slice(0, 16).replace('T', ' ');
  expect(renderNodes(await findBadNodes(world.status))).toBe(
    `node bad.farm (passive): would be avoided until ${until} UTC: ${reason}\n`,
  );

  const active = await cycle(4, '{mode: active}');
  expect(active.warnings).toContain("New jobs avoid 'bad.farm': 'ramenya nodes' says why");
  expect(active.outcomes).toEqual(['DST_A dispatched 2']);
  for (const requirement of active.requirements) expect(requirement).toContain('TARGET.Machine =!= "bad.farm"');
  expect(active.requirements.join()).not.toContain('a.farm');
  expect(await findAlarms(world.status)).toMatchObject([
    {
      ...{ cause: 'node:bad.farm', what: `New jobs avoid 'bad.farm' until ${until} UTC: ${reason}` },
      advice: "Fix the machine; 'ramenya nodes --allow bad.farm' lets jobs use it before that",
    },
  ]);
  expect(renderNodes(await findBadNodes(world.status))).toBe(
    `node bad.farm: new jobs avoid it until ${until} UTC: ${reason}\n`,
  );
  // Rules that only report do not avoid it.
  expect((await cycle(5)).requirements.join()).not.toContain('bad.farm');

  // A day later it is used again: nothing else has failed there.
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')} set ended = ended - interval '24 hours'
    where execution_node = 'bad.farm'`);
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'bad_node')} set expires_at = expires_at - interval '24 hours'`);
  expect((await cycle(6, '{mode: active}')).requirements.join()).not.toContain('bad.farm');
  expect(await findBadNodes(world.status)).toEqual([]);
  expect(await findAlarms(world.status)).toEqual([]);
});

test.for([
  ['it is alone', []],
  ['jobs fail as often elsewhere', ['a', 'b', 'c', 'd'].map((node) => ['failed', node, 10, 5, {}] as const)],
  ['no job does well elsewhere', [['failed', 'a', 1, 5, {}]]],
] as const)('does not call a node bad if %s', async ([, others]) => {
  await add('bad', 20, 'failed', 5);
  for (const [state, node, count, seconds, more] of others) await add(node, count, state, seconds, more);
  expect(await find()).toEqual([]);
});

test.for([
  ['too few jobs failed there', [9, 'failed', 5, {}]],
  ['it is not known which one it was', [20, 'failed', 5, { columns: "execution_node = 'unknown'" }]],
  ['they did not fail quickly', [20, 'failed', 2000, {}]],
  ['they are all for a few products', [20, 'failed', 5, { products: 4 }]],
  ['a person removed them', [20, 'failed', 5, { columns: "message = 'via condor_rm (by user ada)'" }]],
  ['only a rule failed that fails everywhere', [20, 'failed', 5, { of: 'DST_B' }]],
  ['it was long ago', [20, 'failed', 5, { columns: "ended = ended - interval '6 hours'" }]],
] as const)('does not call a node bad if %s', async ([, [count, state, seconds, more]]) => {
  await addGoodNodes();
  for (const node of ['a.farm', 'b.farm']) await add(node, 3, 'failed', 5, { of: 'DST_B' });
  await add('bad.farm', count, state, seconds, more);
  expect(await find()).toEqual([]);
});

test('knows from jobs that run elsewhere that a node is bad, if none has ended yet', async () => {
  for (const node of ['a', 'b', 'c', 'd']) {
    await add(node, 5, 'finished', 1800, { columns: "status = 'running', ended = null, retired_at = null" });
  }
  await add('bad', 10, 'failed', 0, { columns: 'started = null' });
  expect(await find()).toEqual(['bad']);
});

test('finds several bad nodes among good ones, and avoids no more than a quarter of them', async () => {
  await addGoodNodes();
  await add('x', 11, 'failed', 5);
  await add('y', 30, 'failed', 5);
  expect(await find()).toEqual(['x only reported', 'y']);
  expect((await findBadNodes(world.status))[0]?.reason).toBe(
    '11 of 11 jobs of DST_A failed there in the last 6h, 11 quickly; 9 % fail on other nodes; not avoided, because at most 1 of 6 nodes may be',
  );
  expect(await find({ atMost: 0.5 })).toEqual(['x', 'y']);
  expect(await find({ atMost: 0 })).toEqual(['x only reported', 'y only reported']);
  expect(await find({ failures: 20 })).toEqual(['y']);
});

test('counts only new failures once a person has allowed a node', async () => {
  await addGoodNodes();
  await add('bad.farm', 20, 'failed', 5);
  expect(await find()).toEqual(['bad.farm']);
  expect(await markNodeAllowed(world.status, 'bad.farm')).toBe(true);
  expect(await markNodeAllowed(world.status, 'bad.farm')).toBe(false);
  expect(await find()).toEqual([]);
  await world.status.execute(sql`
    update ${sql.table(world.status.role, 'bad_node')} set allowed_at = allowed_at - interval '1 hour'`);
  expect(await find()).toEqual(['bad.farm']);
});
