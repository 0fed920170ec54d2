import { expect, test } from 'vitest';

import { parseAds } from '#batch/htcondor/parse-ads.ts';
import { parseJob } from '#batch/htcondor/parse-job.ts';

const held = {
  ...{
    SlurpSubmission: 'u',
    SlurpCupsid: 7,
    ClusterId: 3,
    ProcId: 0,
    JobStatus: 5,
    EnteredCurrentStatus: 1_795_511_318,
  },
  ...{ HoldReason: 'größer "x"\n第', HoldReasonCode: 13, HoldReasonSubCode: 2, RemoteHost: null, NumJobStarts: 1 },
  ...{ LastRemoteHost: 'slot1_4@node7', MemoryUsage: String.raw`\/Expr(1)\/`, ResidentSetSize: 5000, DiskUsage: 12 },
  ...{ RemoteUserCpu: 1.5, RemoteSysCpu: 0.5, RemoteWallClockTime: 2, ExitCode: 9 },
};

test('makes a report of a held job, with what nulls and expressions leave out', () => {
  expect(parseJob(held)).toEqual({
    ...{ uuid: 'u', cluster: 3, process: 0, cupsid: 7, state: 'held', starts: 1, since: '2026-11-24T09:08:38.000Z' },
    ...{ node: 'node7', holdReason: 'größer "x"\n第', holdCode: 13, holdSubcode: 2 },
    ...{ cpuSeconds: 2, wallSeconds: 2, memoryMb: 5, diskMb: 1 },
  });
});

test('tells how a job ended', () => {
  const ended = { ...held, JobStatus: 4, ExitBySignal: true, ExitSignal: 9, ExitCode: undefined };
  expect(parseJob(ended)).toMatchObject({ state: 'completed', signal: 'SIGKILL' });
  expect(parseJob({ ...ended, ExitBySignal: false, ExitCode: 3 })).toMatchObject({ state: 'completed', exitCode: 3 });
});

test('knows nothing as the empty list, and takes nothing else for it', () => {
  expect(parseAds(' \n')).toEqual([]);
  expect(parseAds('[\n]\n')).toEqual([]);
  for (const text of ['[{"a":', '{}', 'null', '<html>']) expect(() => parseAds(text)).toThrow();
});

test.each(['SlurpSubmission', 'SlurpCupsid', 'ProcId', 'JobStatus'])('takes no report without %s (C-H5)', (name) => {
  expect(() => parseJob({ ...held, [name]: undefined })).toThrow();
});
