import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { waitUntil } from '#util/wait-until.ts';

import { renderTestBlocks, renderTestRule } from '../../dispatch/test-rule.ts';
import { commitAll } from '../../util/commit-all.ts';
import { openRamenyaWorld } from './ramenya-world.ts';

import type { RamenyaWorld } from './ramenya-world.ts';

let world: RamenyaWorld;

const rule = (name: string, query: string): string =>
  renderTestRule(name, renderTestBlocks(world.home, 'status', query));
const rows =
  "select 'x' as source, runnumber, 0 as segment, 'f' as files from generate_series(1, 100) as runnumber where true {run_condition}";

beforeAll(async () => {
  world = await openRamenyaWorld();
  await mkdir(join(world.home, 'payload'));
  await writeFile(join(world.home, 'payload/run.sh'), '#!/bin/sh\nexit 0\n');
  await commitAll(join(world.home, 'payload'));
  await world.catalog.execute(sql`
    insert into ${sql.table(world.catalog.role, 'files')} (lfn, full_host_name, full_file_path, time, size, md5)
    values ('f', 'host', '/data/f', now(), 1, 'x')`);
  const broken = rule('DST_BROKEN', 'select nonsense {run_condition}');
  await writeFile(join(world.home, 'rules.yaml'), `${rule('DST_A', rows)}${broken}${rule('DST_B', rows)}`);
}, 120_000);
const loops: RunningLoop[] = [];
afterAll(async () => {
  for (const loop of loops) {
    loop.signal('SIGKILL');
    await loop.ended;
  }
  await world.close();
});

test('runs all rules of a file once, goes on behind one that fails, and ends with its exit code (C-Q20, C-Q24)', async () => {
  const { exitCode, out, err } = await world.ramenya('submit', 'rules.yaml', '--runs', '1', '2', '--doit');
  expect(out.split('\n')).toEqual([
    expect.stringMatching(/^DST_A: 2 jobs dispatched, cluster \d+$/u),
    expect.stringMatching(/^DST_B: 2 jobs dispatched, cluster \d+$/u),
    'Cycle 1: 3 rules, 4 jobs dispatched, 1 failed',
    '',
  ]);
  expect(err).toMatch(/^ramenya: DST_BROKEN: .*nonsense/mu);
  expect(exitCode).toBe(11);
}, 120_000);

test('takes rules as words, with the rule file first or last, and runs as a list of any length (C-Q21)', async () => {
  const first = await world.ramenya(
    '--json',
    'submit',
    'rules.yaml',
    '--rules',
    'DST_A',
    'DST_B',
    '--runs',
    '11',
    '12',
    '13',
    '14',
    '--doit',
  );
  const passes = first.out
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(passes).toMatchObject([
    { rule: 'DST_A', outcome: 'dispatched', submitted: 4, config: `/rules.yaml`, funnel: { counts: { ready: 4 } } },
    { rule: 'DST_B', outcome: 'dispatched', submitted: 4 },
  ]);
  const last = await world.ramenya('submit', '--runs', '11', '--doit', '--rules', 'DST_A', 'rules.yaml');
  expect(last.out).toBe('DST_A: 0 jobs dispatched\nCycle 1: 1 rule, 0 jobs dispatched\n');
}, 120_000);

test('names everything that is wrong with its options at once', async () => {
  const { exitCode, err } = await world.ramenya(
    'submit',
    '--watermark',
    'x',
    '--rules',
    'A',
    '--rules-file',
    'f',
    '--watermark-action',
    'hop',
  );
  expect(exitCode).toBe(2);
  expect(err.split('\n').slice(0, 5)).toEqual([
    'ramenya: 3 arguments are wrong',
    "  --watermark: 'x' is not a factor: expected a number such as 1.05",
    "  --watermark-action: 'hop' is not an action: expected one of cycle, exit",
    '  --rules and --rules-file: use only one of them',
    "  'ramenya submit --help' lists the options",
  ]);
}, 60_000);

test('reads a list of rules again in each cycle, and keeps the last valid version of a broken one (C-Q22, C-Q23)', async () => {
  const list = join(world.home, 'today.yaml');
  const edit = (text: string): Promise<void> => writeFile(list, text);
  await edit('DST_A: {config: rules.yaml, runs: [21, 22, 0], doit: true}\n');
  const loop = startLoop('submit', '--rules-yaml', 'today.yaml', '--loop', '--delay', '1');
  await loop.hears(/^DST_A: 2 jobs dispatched/mu);
  await edit('DST_A: {config: rules.yaml, runs: [21, 22, 0], maxjobz: 3}\n');
  await loop.hears(/^ {2}DST_A: Unknown option '--maxjobz'[^]*^The last valid version of the list stays in use/mu);
  await edit('');
  await loop.hears(/contains no rules[^]*stays in use/u);
  const cycles = loop.said().match(/^Cycle/gmu)?.length ?? 0;
  await loop.hears(new RegExp(`(?:^Cycle [^]*?){${cycles + 2}}`, 'mu'));
  await edit('DST_B: {config: rules.yaml, runs: [23], doit: true, mark_held_jobs: false}\n');
  await loop.hears(/^ramenya: The list of rules is valid again, and in use[^]*^DST_B: 1 job dispatched/mu);
  expect(loop.said().match(/maxjobz/gu)).toHaveLength(1);
  const status = JSON.parse((await world.ramenya('status', '--json')).out);
  expect(status).toMatchObject({ alarms: [], undelivered: { count: 0 } });
  expect(status.rules).toMatchObject([
    // Its lease was given back with its place in the list.
    { rule: 'DST_A', last: { outcome: expect.stringMatching(/^(?:dispatched|unchanged)$/u) } },
    { rule: 'DST_B', loop: { isSilent: false, process: loop.process }, last: { nextAt: expect.any(String) } },
    { rule: 'DST_BROKEN', failures: 1 },
  ]);
  loop.signal('SIGINT');
  expect(await loop.ended).toBe(130);
  expect(loop.said()).toMatch(
    /Stopping after the current rule; a second signal stops at once[^]*Stopped in cycle \d+; submitted jobs continue/u,
  );
  expect((await world.ramenya('status')).out).toMatch(/^DST_A +- /mu);
}, 120_000);

test('shows bad machines, and lets jobs use one again (C-Q35)', async () => {
  expect((await world.ramenya('nodes')).out).toBe('No bad machines are known\n');
  await world.status.execute(sql`
    insert into ${sql.table(world.status.role, 'bad_node')} (node, reason, found_at, expires_at, may_be_avoided, avoided_at)
    values ('bad.farm', '12 of 13 jobs failed there', '2026-12-01', '2126-12-02 10:00', true, '2026-12-01')`);
  const line = 'node bad.farm: new jobs avoid it until 2126-12-02 10:00 UTC: 12 of 13 jobs failed there\n';
  expect((await world.ramenya('nodes')).out).toBe(line);
  expect((await world.ramenya('status')).out).toContain(line);
  const node = {
    ...{ node: 'bad.farm', reason: '12 of 13 jobs failed there', mayBeAvoided: true },
    ...{ foundAt: '2026-12-01T00:00:00.000Z', avoidedAt: '2026-12-01T00:00:00.000Z' },
    expiresAt: '2126-12-02T10:00:00.000Z',
  };
  expect(JSON.parse((await world.ramenya('nodes', '--json')).out)).toEqual({ nodes: [node] });
  expect(JSON.parse((await world.ramenya('status', '--json')).out)).toMatchObject({ nodes: [node] });
  expect((await world.ramenya('nodes', '--allow', 'bad.farm')).out).toBe('New jobs may use bad.farm again\n');
  expect(await world.ramenya('nodes', '--allow', 'bad.farm')).toMatchObject({ exitCode: 2 });
  expect((await world.ramenya('nodes')).out).toBe('No bad machines are known\n');
});

test('leaves a paused rule alone until it is resumed', async () => {
  expect(await world.ramenya('pause', 'DST_A')).toMatchObject({ exitCode: 2 });
  expect((await world.ramenya('pause', 'DST_AA', '--reason', 'beam is off')).err).toBe(
    "ramenya: No loop has run a rule named 'DST_AA' yet: check the name\n",
  );
  await world.ramenya('resume', 'DST_AA');
  expect((await world.ramenya('pause', 'DST_A', '--reason', 'no beam')).err).toBe('');
  const again = await world.ramenya('pause', 'DST_A', '--reason', 'beam is off');
  expect(again.err).toMatch(/^ramenya: It was paused by \S+ already; that reason is replaced: no beam\n$/u);
  expect(again.out).toBe("DST_A is paused; 'ramenya resume DST_A' resumes it\n");
  const { exitCode, out } = await world.ramenya('submit', 'rules.yaml', '--rules', 'DST_A', '--runs', '31', '--doit');
  expect([exitCode, out]).toEqual([
    0,
    expect.stringMatching(
      /^DST_A waits: \S+ paused it: beam is off\nCycle 1: 1 rule, 0 jobs dispatched, 1 waiting\n$/u,
    ),
  ]);
  expect((await world.ramenya('status')).out).toMatch(/^DST_A: paused by \S+ \d+s ago: beam is off$/mu);
  expect((await world.ramenya('resume', 'DST_A')).out).toBe('DST_A is resumed\n');
  expect(await world.ramenya('resume', 'DST_A')).toMatchObject({ exitCode: 2 });
}, 120_000);

interface RunningLoop {
  readonly process: number;
  readonly ended: Promise<number | null>;
  said(): string;
  hears(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

function startLoop(...args: readonly string[]): RunningLoop {
  const child = spawn(process.execPath, [world.program, ...args], {
    cwd: world.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const loop: RunningLoop = {
    process: child.pid ?? 0,
    ended: new Promise((resolve) => {
      child.on('close', resolve);
    }),
    said: () => text,
    hears: async (pattern) => {
      if ((await waitUntil(() => pattern.test(text) || undefined, { timeoutMs: 60_000 })) === undefined) {
        throw new Error(`Not heard: ${pattern.source}\n${text}`);
      }
    },
    signal: (name) => child.kill(name),
  };
  loops.push(loop);
  return loop;
}
