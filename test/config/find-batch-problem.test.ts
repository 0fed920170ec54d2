import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { findBatchProblem } from '#config/find-batch-problem.ts';
import { findSite } from '#config/find-site.ts';

it("misses 'condor_submit' where jobs go to HTCondor, and there alone", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-batch-'));
  const { batch } = await findSite({ cwd: directory, env: {}, isNewAllowed: true });
  const farm = { batch: { ...batch, backend: 'htcondor' } } as const;
  expect(findBatchProblem({ batch }, { PATH: directory })).toBeUndefined();
  expect(findBatchProblem(farm, {})).toBe(
    "The site's batch system is HTCondor, and 'condor_submit' is not on the PATH: jobs cannot be submitted from here",
  );
  await writeFile(join(directory, 'condor_submit'), '', { mode: 0o644 });
  expect(findBatchProblem(farm, { PATH: `/nowhere:${directory}` })).toBeDefined();
  await rm(join(directory, 'condor_submit'));
  await writeFile(join(directory, 'condor_submit'), '', { mode: 0o755 });
  expect(findBatchProblem(farm, { PATH: `/nowhere:${directory}` })).toBeUndefined();
  await rm(directory, { recursive: true });
});
