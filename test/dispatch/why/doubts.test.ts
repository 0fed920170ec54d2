import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { findDoubts } from '#db/decide/explain/find-doubts.ts';
import { findExplanation } from '#db/decide/explain/find-explanation.ts';
import { makeDisk } from '#dispatch/inputs/make-disk.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { findWhy } from '#dispatch/why/why.ts';
import { describeDoubts } from '#reports/why/describe-doubts.ts';
import { renderWhy } from '#reports/why/render-why.ts';

import { emptyWorld, makeProposals, putWorld } from '../../db/decide/world.ts';
import { openPlanWorld } from '../plan-world.ts';
import { testDstfile } from '../test-rule.ts';

import type { PlanWorld } from '../plan-world.ts';

let world: PlanWorld;

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
  await mkdir(join(world.root, 'in'));
  await writeFile(join(world.root, 'in/a.evt'), '');
  await putWorld(world.open, {
    ...emptyWorld,
    proposals: [1, 2, 3].map((run) => ({ run, segment: 0, files: 'a.evt b.evt' })),
    attempts: [
      { dstfile: testDstfile(1), state: 'finished' },
      { dstfile: testDstfile(2), state: 'finished' },
    ],
    datasets: [`${testDstfile(2)}.root`],
    files: ['a.evt', 'b.evt'].map((lfn, index) => ({ lfn, path: join(world.root, 'in', lfn), time: 10 + index })),
  });
  const { status } = world.open.databases;
  await status.execute(
    sql`update ${sql.table(status.role, 'production_status')} set started = timestamp '2025-01-01 00:10:30'`,
  );
});

afterAll(() => world.close());

async function doubtsOf(run: number): Promise<readonly string[]> {
  const { catalog } = world.open.databases;
  const plan = await planRule({
    ...world.inputOf({ runs: { kind: 'one', run } }),
    asked: { run, isAlone: false },
  });
  try {
    const { rows } = await findExplanation(plan.session, plan.decision, catalog, { run });
    const [row] = rows;
    if (row === undefined) throw new Error('no row');
    return describeDoubts(await findDoubts(catalog, row, makeDisk())).map((line) => line.replaceAll(world.root, ''));
  } finally {
    await plan.close();
  }
}

/** What the whole answer advises for a run. */
async function advicesOf(run: number): Promise<readonly string[]> {
  const answer = renderWhy(await findWhy(world.inputOf({ runs: { kind: 'one', run } }), { run }));
  return answer.split('\n').flatMap((line) => (line.includes('to redo it') ? [line.trim()] : []));
}

it('says that the product of a finished attempt is not in the catalog, and what to do (C-D18)', async () => {
  expect((await doubtsOf(1))[0]).toBe('its product is not in the catalog: check its log and its stage-outs');
  expect(await advicesOf(1)).toEqual(['to redo it: --unblock-state finished']);
  expect(await advicesOf(2)).toEqual(['to redo it: --resubmit --unblock-state finished']);
});

it('names inputs that were registered after the attempt started, and those that are missing on disk (C-D19)', async () => {
  expect(await doubtsOf(2)).toEqual([
    '1 input registered after it was made:',
    '  /in/b.evt (2025-01-01T00:11:00Z)',
    '1 input missing on disk:',
    '  /in/b.evt',
  ]);
});

it('names the inputs of a ready job that are missing on disk', async () => {
  expect(await doubtsOf(3)).toEqual(['1 input missing on disk:', '  /in/b.evt']);
});

it('says once of an input that verify misses that it is in the catalog and not on disk (C-D19)', async () => {
  const path = '/in/b.evt';
  const question = { run: 3 };
  const why = await findWhy(world.inputOf({ runs: { kind: 'one', run: 3 } }), question);
  const [row] = why.explanation.rows;
  if (row === undefined) throw new Error('no row');
  const missing = [{ lfn: 'b.evt', unusable: [], gone: [path] }];
  const fact = { fate: 'missing-inputs', wanted: 2, missing } as const;
  const answer = renderWhy({
    ...why,
    explanation: { rows: [{ ...row, fact }], counts: [{ fate: 'missing-inputs', count: 1 }] },
    doubts: { [testDstfile(3)]: { isUnregistered: false, newer: [], gone: [path], unknown: [] } },
  });
  expect(answer.split('\n').slice(2)).toEqual([
    "  1 of 2 inputs are in the catalog's files, but not on disk",
    '  missing: b.evt',
    `    '${path}' no longer exists on disk`,
    '',
  ]);
});
