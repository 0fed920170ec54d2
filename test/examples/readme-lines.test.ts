import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { layOut } from '../../scripts/demo/lay-out.ts';
import { makeDaq, renderFilelistInsert } from '../../scripts/demo/make-daq.ts';
import { askSite } from '../util/ask-site.ts';

import type { RoleName } from '#model/site.ts';

/** The directory of a group that copied rules/sphenix_auau23.yaml and has a payload; a new embedded site is made in it. */
let directory = '';

/** Types a line into a shell in that directory, with bin/ on the PATH. */
async function type(line: string): Promise<string> {
  const { SLURP_SITE: _site, cupsid: _cupsid, ...environment } = process.env;
  const { exitCode, stdout, stderr } = await runCommand('bash', ['-c', line], {
    cwd: directory,
    env: { ...environment, PATH: `${join(findPackageRoot(), 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  if (exitCode !== 0) throw new Error(`'${line}' ended with ${exitCode ?? 'a signal'}:\n${stdout}${stderr}`);
  return stdout;
}

async function ask(role: RoleName, query: string): Promise<unknown> {
  const rows = await askSite({ site: directory, role, text: `select to_json(q) from (${query}) q` });
  return rows.map(([row = '']): unknown => JSON.parse(row));
}

/** The runs that have been submitted so far. */
async function runsOf(rule: string): Promise<unknown> {
  return ask(
    'status',
    `select array_to_string(array_agg(run order by run), ' ') as runs from production_status where dsttype = '${rule}_auau23'`,
  );
}

/** Waits until as many jobs of a rule have finished; the last moment shows what became of them. */
async function finished(rule: string, count: number): Promise<unknown> {
  const query = `select status, count(*) from production_status where dsttype = '${rule}_auau23' group by status order by status`;
  const wanted = JSON.stringify([{ status: 'finished', count }]);
  await waitUntil(async () => (JSON.stringify(await ask('status', query)) === wanted ? true : undefined), {
    timeoutMs: 90_000,
    everyMs: 100,
  });
  return ask('status', query);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'auau23-'));
  await layOut(directory, 'sphenix_auau23.yaml');
  const runs = [22026, 22027, 22030, 22033, 22050, 22150];
  const { files } = await makeDaq({ directory: join(directory, 'lustre'), runs, segments: 2, eventsPerFile: 20 });
  await type('slurp up');
  await type(`slurp db sql daq --write "${renderFilelistInsert(files).replaceAll('"', String.raw`\"`)}"`);
}, 120_000);

afterAll(async () => {
  await type('slurp down --wait 30s');
  await rm(directory, { recursive: true });
}, 60_000);

it('the lines of the README submit one run, a list of two, a list and a range, each product once', async () => {
  const lines = [
    ['kaedama.py --runs 22026 --rule DST_EVENT --config sphenix_auau23.yaml', '22026'],
    ['kaedama.py --runs 22026 22027 0  --rule DST_EVENT --config sphenix_auau23.yaml', '22026 22027'],
    ['kaedama.py --runs 22026 22027 22033  --rule DST_EVENT --config sphenix_auau23.yaml', '22026 22027 22033'],
    ['kaedama.py --runs 22000 22100 --rule DST_EVENT --config sphenix_auau23.yaml', '22026 22027 22030 22033 22050'],
  ] as const;
  for (const [line, runs] of lines) {
    await type(line);
    expect([line, await runsOf('DST_EVENT')]).toEqual([line, [{ runs }]]);
  }
}, 120_000);

it('the next rule makes one file of each that the first has registered, with as many events', async () => {
  expect(await finished('DST_EVENT', 5)).toEqual([{ status: 'finished', count: 5 }]);
  await type('kaedama --runs 22000 22100 --rule DST_CALOR --config sphenix_auau23.yaml');
  expect(await finished('DST_CALOR', 5)).toEqual([{ status: 'finished', count: 5 }]);
  const sums = 'select dsttype, count(*), sum(events)::int as events from datasets group by dsttype order by dsttype';
  const taken: unknown = await ask(
    'daq',
    "select sum(events)::int as events from filelist where hostname = 'gl1daq' and runnumber < 22100",
  );
  expect(await ask('catalog', sums)).toEqual([
    { dsttype: 'DST_CALOR_auau23', count: 5, ...Object(Array.isArray(taken) ? taken[0] : {}) },
    { dsttype: 'DST_EVENT_auau23', count: 5, ...Object(Array.isArray(taken) ? taken[0] : {}) },
  ]);
}, 240_000);

it('the lines of the README run the rules again and again, also in the background without a terminal (C-Q26)', async () => {
  const loops = [
    ['events', 'ramenya.py --runs 22000 23000 --rules DST_EVENT --delay 300 --outputs none &'],
    ['calor', 'ramenya.py --runs 22000 23000 --rules DST_CALOR --delay 600 --outputs none &'],
    ['all', 'ramenya.py --runs 22000 23000 --rules all --delay 600 &'],
    ['reports', 'ramenya.py --runs 22000 23000 --rules none      --delay  60 --outputs pending started clusters &'],
  ] as const;
  const pids: string[] = [];
  for (const [name, line] of loops) {
    const started = await type(`${line.replace(/&$/u, `> ${name}.log 2>&1 < /dev/null &`)} echo $!`);
    pids.push(started.trim());
    const found = await waitUntil(
      async () => /^Cycle 1: .*; next at/mu.exec(await readFile(join(directory, `${name}.log`), 'utf8')) ?? undefined,
      { timeoutMs: 60_000 },
    );
    expect([line, found?.[0]]).toEqual([line, expect.any(String)]);
  }
  // Run 22150 was left over by the lines above.
  expect(await runsOf('DST_EVENT')).toEqual([{ runs: '22026 22027 22030 22033 22050 22150' }]);
  const log = (name: string): Promise<string> => readFile(join(directory, `${name}.log`), 'utf8');
  expect(await log('events')).toMatch(
    /^DST_EVENT: 1 job dispatched, cluster \d+\nCycle 1: 1 rule, 1 job dispatched; next at/mu,
  );
  expect(await log('all')).toMatch(/^DST_EVENT waits: The loop of .* runs it; its lease ends in/mu);
  expect(
    await waitUntil(async () => /^clusters:?/mu.test(await log('reports')) || undefined, { timeoutMs: 30_000 }),
  ).toBe(true);
  await type(`kill -INT ${pids.join(' ')}`);
  for (const [name] of loops) {
    const ended = await waitUntil(async () => (await log(name)).includes('Stopped in cycle') || undefined, {
      timeoutMs: 30_000,
    });
    expect([name, ended]).toEqual([name, true]);
  }
}, 240_000);

it('the example file says the lines that this test runs', async () => {
  const text = await readFile(join(findPackageRoot(), 'rules/sphenix_auau23.yaml'), 'utf8');
  for (const runs of ['22026', '22000 22100', '22026 22027 22033', '22026 22027 0']) {
    expect(text.replaceAll(/ +/gu, ' ')).toContain(
      `# kaedama --runs ${runs} --rule DST_EVENT --config sphenix_auau23.yaml`,
    );
  }
});
