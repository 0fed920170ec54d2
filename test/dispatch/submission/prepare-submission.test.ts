import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { openDirectoryMaker } from '#dispatch/submission/make-items.ts';
import { prepareSubmission } from '#dispatch/submission/prepare-submission.ts';

import { openDispatchWorld, openReady } from '../dispatch-world.ts';
import { prepareTestRuleOf } from '../test-rule.ts';

import type { DispatchWorld } from '../dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());

async function prepareWith(extra: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const prepared = prepareTestRuleOf(
    world.root,
    `  input:
    db: fc
    query: select 'x' as source, 1 as runnumber, 0 as segment, 'f' as files, 'y' as word, 'z' as other
  filesystem:
    outdir: "${world.root}/out"
    logdir: "${world.root}/$(word)"
    condor: "${world.root}/condor"`,
  );
  const session = await openReady(world.status, [1, 2]);
  try {
    await session.execute(sql`update pg_temp.ready set extra = ${JSON.stringify(extra)}::jsonb where run = 2`);
    return await prepareSubmission(session, prepared, world.workerDirectory, openDirectoryMaker());
  } finally {
    await session.close();
  }
}

test('accepts a line break that no job uses, and the letters of one', async () => {
  expect(await prepareWith({ other: 'a\nb', word: String.raw`a\nb` })).toEqual([]);
  await rm(join(world.root, 'condor'), { recursive: true });
});
