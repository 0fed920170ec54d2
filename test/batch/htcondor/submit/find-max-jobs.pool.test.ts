import { expect, test } from 'vitest';

import { findMaxJobs } from '#batch/htcondor/submit/find-max-jobs.ts';

const site = { commands: {}, schedds: [], commandTimeoutMs: 60_000 };

test('brings 100,000 jobs at once where the schedd makes them by and by, else what it takes in one call (C-H6)', async () => {
  expect(await findMaxJobs(site, 100_000)).toBe(100_000);
  expect(await findMaxJobs({ ...site, schedds: ['nobody@nowhere.invalid'] }, 100_000)).toBe(20_000);
  expect(await findMaxJobs({ ...site, maxJobsPerSubmission: 5000 }, 100_000)).toBe(5000);
  expect(await findMaxJobs({ ...site, schedds: ['nobody@nowhere.invalid'] }, 20_000)).toBe(20_000);
});
