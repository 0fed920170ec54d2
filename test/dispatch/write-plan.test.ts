import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { readReady } from '#db/decide/read-ready.ts';
import { writePlan } from '#dispatch/write-plan.ts';

import { openDispatchWorld, openReady, prepareTestRule, readAttempts, readSubmissions } from './dispatch-world.ts';

import type { DispatchWorld } from './dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());

async function dumpInto(directory: string, backend = makeHtcondorBackend(world.site.batch.htcondor)) {
  const session = await openReady(world.status, [53534, 53535]);
  try {
    return await writePlan(
      { prepared: prepareTestRule(world.root), readReady: () => readReady(session) },
      { site: world.site, backend, directory, workerDirectory: world.workerDirectory },
    );
  } finally {
    await session.close();
  }
}

test('writes the submit file and its items, with a cupsid of 0, and reserves nothing (C-K11)', async () => {
  const directory = join(world.root, 'dump');
  expect(await dumpInto(directory)).toMatchObject({ count: 2, descriptionFile: join(directory, 'submit.job') });
  const shown = async (name: string): Promise<string> =>
    (await readFile(join(directory, name), 'utf8')).replaceAll(world.root, '');
  const items = await shown('submit.in');
  // What differs between the jobs, and nothing else.
  expect(items.split('\n')).toEqual(['0,00053534,53534', '0,00053535,53535', '']);
  const description = await shown('submit.job');
  expect(description).toContain('executable = /worker/wrapper.sh\n');
  expect(description).toMatch(/DST_TEST_run2pp_ana437_2024p007_v001-\$\(\w+\)-00000/u);
  expect(description).toContain('+SlurpSubmission = "00000000-0000-0000-0000-000000000000"\n');
  expect(description).toMatch(/\nqueue slurp_cupsid,.* from \/dump\/submit\.in\n$/u);
  expect(description).not.toContain('slurp-token');
  expect([await readAttempts(world.status), await readSubmissions(world.status)]).toEqual([[], []]);
});

test('writes what the local queue would be given where the site has no HTCondor', async () => {
  const directory = join(world.root, 'local-dump');
  const dump = await dumpInto(directory, world.backend);
  expect(dump).toEqual({
    ...{ count: 2, notes: [] },
    ...{ descriptionFile: join(directory, 'submit.json'), itemsFile: join(directory, 'submit.jsonl') },
  });
  const description: unknown = JSON.parse(await readFile(dump.descriptionFile, 'utf8'));
  expect(description).toMatchObject({ uuid: '00000000-0000-0000-0000-000000000000', count: 2 });
  const items = (await readFile(dump.itemsFile, 'utf8')).trimEnd().split('\n');
  expect(items.map((line): unknown => JSON.parse(line))).toMatchObject([
    { process: 0, cupsid: 0, dstfile: 'DST_TEST_run2pp_ana437_2024p007_v001-00053534-00000' },
    { process: 1, cupsid: 0, dstfile: 'DST_TEST_run2pp_ana437_2024p007_v001-00053535-00000' },
  ]);
});

test('says where it cannot write', async () => {
  await writeFile(join(world.root, 'file'), '');
  await expect(dumpInto(join(world.root, 'file', 'below'))).rejects.toMatchObject({ code: 'site-dump' });
});

test('says as a refusal what HTCondor could not be given', async () => {
  const site = { ...world.site.batch.htcondor, commands: { '+Text': '"a\nb"' } };
  const session = await openReady(world.status, [53534]);
  const dumped = writePlan(
    { prepared: prepareTestRule(world.root), readReady: () => readReady(session) },
    {
      site: world.site,
      backend: makeHtcondorBackend(site),
      ...{ directory: join(world.root, 'refused'), workerDirectory: world.workerDirectory },
    },
  );
  await expect(dumped).rejects.toMatchObject({ code: 'batch-refused', message: expect.stringContaining("'+Text'") });
  await session.close();
});
