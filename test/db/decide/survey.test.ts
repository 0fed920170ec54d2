import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { decide } from '#db/decide/decide.ts';
import { readReady } from '#db/decide/read-ready.ts';
import { surveyDecision } from '#db/decide/survey/survey-decision.ts';
import { makeDisk } from '#dispatch/inputs/make-disk.ts';

import { testDatabase, testDatabases } from '../test-database.ts';
import { emptyWorld, makeProposals, makeRequest, openAll, putWorld } from './world.ts';

import type { Disk } from '#db/decide/decision-request.ts';

import type { TestDatabase } from '../test-database.ts';
import type { Ask, Databases, World } from './world.ts';

const product = (run: number, name = 'DST_X_run2pp_new_2024p001'): string =>
  `${name}-${String(run).padStart(8, '0')}-00000`;
const proposal = (run: number, files = 'a.evt') => ({ run, segment: 0, files });
const finished = (run: number) => ({ dstfile: product(run), state: 'finished' }) as const;

/** Minutes after 2025-01-01 are those of the world's files. */
const startedAt = (minutes: number): string => new Date(Date.UTC(2025, 0, 1, 0, minutes)).toISOString();

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-survey-'));
  for (const name of ['one', 'two']) await mkdir(join(root, name));
  for (const name of ['one/a.evt', 'two/b.evt', 'two/other']) await writeFile(join(root, name), '');
  await symlink(join(root, 'nowhere'), join(root, 'one/link.evt'));
});
afterAll(() => rm(root, { recursive: true }));

describe.each([
  ['one database', testDatabase],
  ['a database for every role', testDatabases],
])('in %s', (_, make) => {
  let given: TestDatabase;
  let open: Databases;

  beforeAll(async () => {
    given = await make();
    open = openAll(given.roles);
    await makeProposals(open);
  });

  afterAll(async () => {
    await open.close();
    await given.close();
  });

  /** Attempt number n was dispatched with `inputs[n - 1]` and started so many minutes after the new year. */
  async function survey(
    world: Partial<World>,
    { started = [], inputs = [], disk, ask = {} }: { started?: number[]; inputs?: string[]; disk?: Disk; ask?: Ask },
  ) {
    await putWorld(open, { ...emptyWorld, ...world });
    const { status, catalog } = open.databases;
    await status.execute(sql`update ${sql.table(status.role, 'production_status')} p
      set started = g.started, inputs = g.inputs
      from unnest(${started.map(startedAt)}::timestamp[], ${inputs}::text[]) with ordinality as g (started, inputs, id)
      where p.id = g.id`);
    return status.session(async (session) => {
      const decision = await decide(session, makeRequest(ask), {
        databases: open.databases,
        statementTimeoutMs: 30_000,
      });
      const found = await surveyDecision(session, decision, catalog, disk);
      const ready = [];
      for await (const rows of readReady(session)) ready.push(...rows);
      return { ...found, counts: decision.funnel.counts, ready, warned: decision.funnel.warnings };
    });
  }

  it('counts finished products that the catalog has no file of, under either name (C-D18)', async () => {
    const { findings, warnings } = await survey(
      {
        proposals: [1, 2, 3, 4, 5].map((run) => proposal(run)),
        attempts: [finished(1), finished(2), finished(3), finished(4), { dstfile: product(5), state: 'running' }],
        datasets: [`${product(1)}.root`, `${product(2, 'DST_X_run2pp_new_2024p001_v000')}.prdf`, `${product(4)}.log`],
      },
      {},
    );
    const example = { run: 3, segment: 0 };
    expect(findings[0]).toEqual({ kind: 'not-in-catalog', count: 2, looked: 4, of: 4, example });
    expect(warnings).toEqual([
      {
        kind: 'not-in-catalog',
        count: 2,
        message: '2 finished products are not in the catalog, e.g. run 3 segment 0 (--why 3 0)',
      },
    ]);
  });

  it('counts products whose attempt has a refused report that is not resolved (C-W29)', async () => {
    await putWorld(open, {
      ...emptyWorld,
      proposals: [1, 2, 3].map((run) => proposal(run)),
      attempts: [1, 2].map(finished),
    });
    const { status, catalog } = open.databases;
    await status.execute(sql`update ${sql.table(status.role, 'production_status')} set refusal = 'stageout: no'
      where dstfile = ${product(2)}`);
    const { findings, warnings } = await status.session(async (session) => {
      const terms = { databases: open.databases, statementTimeoutMs: 30_000 };
      return surveyDecision(session, await decide(session, makeRequest({}), terms), catalog, undefined);
    });
    const example = { run: 2, segment: 0 };
    expect(findings).toContainEqual({ kind: 'report-refused', count: 1, looked: 2, of: 2, example });
    expect(warnings.map(({ message }) => message)).toContain(
      "Reports of 1 attempt were refused or remarked on, e.g. run 2 segment 0 (--why 2 0), see 'slurp refused'",
    );
  });

  it('counts products one of whose inputs was registered after their attempt started (C-D19)', async () => {
    const file = (lfn: string, time: number) => ({ lfn, path: `/data/${lfn}`, time });
    const { findings, warnings } = await survey(
      {
        proposals: [1, 2, 3, 4].map((run) => proposal(run)),
        attempts: [finished(1), finished(2), finished(3)],
        datasets: [1, 2, 3, 4].map((run) => `${product(run)}.root`),
        files: [file('a.evt', 10), file('b.evt', 30), file(`${product(4)}.root`, 5)],
      },
      { started: [9, 10, 29], inputs: ['/data/a.evt', '/data/a.evt', '/data/a.evt,/data/b.evt'] },
    );
    // Run 4 has no attempt: its product is older than its input a.evt.
    const example = { run: 1, segment: 0 };
    expect(findings).toContainEqual({ kind: 'older-than-inputs', count: 3, looked: 4, of: 4, example });
    expect(warnings.map(({ message }) => message)).toEqual([
      '3 products are older than an input, e.g. run 1 segment 0 (--why 1 0)',
    ]);
  });

  it('takes no further copy of a file for a newer one', async () => {
    const world = {
      proposals: [proposal(1)],
      attempts: [finished(1)],
      datasets: [`${product(1)}.root`],
      files: [
        { lfn: 'a.evt', path: '/data/a.evt', time: 1 },
        { lfn: 'a.evt', path: '/mirror/a.evt', time: 50 },
      ],
    };
    const terms = { started: [20], inputs: ['/data/a.evt'] };
    const countOf = async (): Promise<number | undefined> =>
      (await survey(world, terms)).findings.find(({ kind }) => kind === 'older-than-inputs')?.count;
    expect(await countOf()).toBe(1);
    const { catalog } = open.databases;
    const files = sql.table(catalog.role, 'files');
    await catalog.execute(sql`alter table ${files} alter size set default 7, alter md5 set default 'same'`);
    expect(await countOf()).toBe(0);
    await catalog.execute(sql`alter table ${files} alter size drop default, alter md5 drop default`);
  });

  const wanted = {
    proposals: [proposal(1), proposal(2, 'b.evt'), proposal(3, 'a.evt gone.evt'), proposal(4, 'link.evt')],
  };
  const places = () => ({
    files: [
      { lfn: 'a.evt', path: `${root}/one/a.evt` },
      { lfn: 'b.evt', path: `${root}/two/b.evt` },
      { lfn: 'gone.evt', path: `${root}/two/gone.evt` },
      { lfn: 'link.evt', path: `${root}/one/link.evt` },
    ],
  });

  it('counts ready jobs whose inputs are missing on disk, and leaves them ready', async () => {
    const { findings, ready, warnings } = await survey({ ...wanted, ...places() }, { disk: makeDisk() });
    expect(findings).toEqual([{ kind: 'inputs-gone', count: 2, looked: 4, of: 4, example: { run: 3, segment: 0 } }]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'Inputs of 2 ready jobs are missing on disk, e.g. run 3 segment 0 (--why 3 0)',
    ]);
    expect(ready.map(({ run }) => run)).toEqual([1, 2, 3, 4]);
  });

  it('leaves out candidates whose inputs are missing on disk where the rule verifies them (C-D20)', async () => {
    const ask = { inputs: { kind: 'catalog', disk: makeDisk() } } as const;
    const { ready, counts, warned } = await survey({ ...wanted, ...places() }, { ask });
    expect(ready.map(({ run }) => run)).toEqual([1, 2]);
    expect(counts).toMatchObject({ 'missing-inputs': 2, ready: 2 });
    expect(warned.map(({ message }) => message)).toEqual([
      `2 candidates lack inputs, e.g. run 3 segment 0: '${root}/two/gone.evt' no longer exists on disk (kaedama … --why 3 0)`,
    ]);
  });

  it('takes the newest copy that is on disk where the rule verifies inputs (C-D20)', async () => {
    const ask = { inputs: { kind: 'catalog', disk: makeDisk() } } as const;
    const files = [
      { lfn: 'b.evt', path: `${root}/one/b.evt`, time: 9 },
      { lfn: 'b.evt', path: `${root}/two/b.evt`, time: 1 },
    ];
    const { ready } = await survey({ proposals: [proposal(1, 'b.evt')], files }, { ask });
    expect(ready.map(({ inputs }) => inputs)).toEqual([`${root}/two/b.evt`]);
  });

  it('never counts an input as missing whose directory cannot be listed (C-D20)', async () => {
    const ask = { inputs: { kind: 'catalog', disk: makeDisk() } } as const;
    const files = [
      { lfn: 'a.evt', path: '/no-such-file-system/data/a.evt' },
      { lfn: 'b.evt', path: `${root}/two/other/b.evt` },
    ];
    const proposals = [proposal(1), proposal(2, 'b.evt')];
    const { ready, warned } = await survey({ proposals, files }, { ask });
    expect(ready.map(({ run }) => run)).toEqual([1, 2]);
    expect(warned).toMatchObject([{ kind: 'inputs-unknown', count: 2 }]);
    expect(warned[0]?.message).toContain('unknown: ');
  });
});
