import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { jobDefaults } from '#rules/job/job-defaults.ts';

import { eachOf } from '../contract.ts';
import { openPoolBackend } from './pool-backend.ts';
import { readAds } from './read-ads.ts';

test('brings every default of a rule into the ad of its job, as the original did (C-H1)', async () => {
  const pool = await openPoolBackend();
  const uuid = randomUUID();
  const directory = join(pool.workDirectory, uuid);
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, 'slurp-token'), 'secret\n', { mode: 0o600 });
  const site = { commands: {}, maxJobsPerSubmission: 10, schedds: [], commandTimeoutMs: 60_000 };
  const backend = makeHtcondorBackend(site);
  const { arguments: _arguments, batch_name: _batchName, ...defaults } = jobDefaults;
  const submission = { uuid, count: 1, directory, batchName: 'DST_X_new', environment: {} };
  const { workDirectory, workerDirectory } = pool;
  const commands = {
    ...defaults,
    log: join(workDirectory, 'x.condor'),
    request_memory: '4096MB',
    '+sPHENIX_SEGMENT': '7',
  };
  const job = { process: 0, cupsid: 4711, dstfile: 'D', executable: '/bin/true', arguments: 'a 4711', commands };
  try {
    const outcome = await backend.submit(
      {
        ...{ ...submission, workerDirectory, submitDirectory: workDirectory },
        ...{ isSupervised: false, spoolDirectory: workDirectory },
      },
      eachOf([job]),
    );
    expect(outcome).toMatchObject({ kind: 'accepted' });
    const attributes = [
      ...['JobUniverse', 'JobPrio', 'JobLeaseDuration', 'RequestCpus', 'RequestMemory', 'PeriodicHold', 'Requirements'],
      ...[
        'ShouldTransferFiles',
        'WhenToTransferOutput',
        'TransferOutput',
        'TransferOut',
        'TransferErr',
        'JobBatchName',
      ],
      ...['SlurpCupsid', 'sPHENIX_SEGMENT', 'Args', 'OutputDestination', 'UserLog'],
    ];
    const [ad] = await readAds(`SlurpSubmission == "${uuid}"`, attributes);
    expect(ad).toEqual({
      ...{ ProcId: 0, JobUniverse: 5, JobPrio: 1958, JobLeaseDuration: 3600, RequestCpus: 1, RequestMemory: 4096 },
      PeriodicHold: expect.stringMatching(/NumJobStarts > NumJobCompletions && JobStatus == 1/u),
      Requirements: expect.stringContaining(String.raw`CPU_Type == "mdc2"`),
      ...{ ShouldTransferFiles: 'YES', WhenToTransferOutput: 'ON_EXIT', TransferOutput: '' },
      ...{ TransferOut: false, TransferErr: false, JobBatchName: 'DST_X_new', SlurpCupsid: 4711, sPHENIX_SEGMENT: 7 },
      ...{ Args: 'a 4711', UserLog: join(workDirectory, 'x.condor') },
    });
  } finally {
    await backend.remove({ uuid }, 'seen');
    await pool.close();
  }
});
