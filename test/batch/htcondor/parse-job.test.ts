import { expect, test } from 'vitest';

import { parseAds } from '#batch/htcondor/parse-ads.ts';
import { parseJob } from '#batch/htcondor/parse-job.ts';
import { readAds } from '#batch/htcondor/read-ads.ts';

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

test('reports how a job ended', () => {
  const ended = { ...held, JobStatus: 4, ExitBySignal: true, ExitSignal: 9, ExitCode: undefined };
  expect(parseJob(ended)).toMatchObject({ state: 'completed', signal: 'SIGKILL' });
  expect(parseJob({ ...ended, ExitBySignal: false, ExitCode: 3 })).toMatchObject({ state: 'completed', exitCode: 3 });
});

test('accepts an empty list, and nothing else in place of one', () => {
  expect(parseAds(' \n')).toEqual({ ads: [], unread: [] });
  expect(parseAds('[\n]\n')).toEqual({ ads: [], unread: [] });
  for (const text of ['[{"a":', '{}', 'null', '<html>', '[\n{\n  "a": 1\n}\n,\n{\n  "a": ', '[nothing]']) {
    expect(() => parseAds(text), text).toThrow();
  }
});

/** As condor prints it, but for what stands in a string. */
const printAds = (...texts: readonly string[]): string =>
  `[\n${texts.map((text) => `{\n${text}\n}`).join('\n,\n')}\n]\n`;

test('reads strings with raw control characters, as they are', () => {
  const reason = 'failed:\t\u0001a\u001B[1m\r\nend \\"q\\" ';
  const text = printAds(`  "JobMaterializePauseReason": "${reason}",\n  "ClusterId": 1`, '  "ClusterId": 2');
  expect(parseAds(text)).toEqual({
    ads: [{ JobMaterializePauseReason: reason.replaceAll('\\"', '"'), ClusterId: 1 }, { ClusterId: 2 }],
    unread: [],
  });
});

const uuid = '8c5d3c3e-0000-4000-8000-123456789abc';

test('one ad that is not JSON, or lacks what every job has, does not hide the others, and is reported with its name', () => {
  const proper = (cupsid: number): string =>
    `  "SlurpSubmission": "${uuid}",\n  "SlurpCupsid": ${cupsid},\n  "ClusterId": 3,\n  "ProcId": 0,\n  "JobStatus": 1`;
  const text = printAds(
    proper(7),
    `${proper(8)},\n  "HoldReason": "a "quote" too many"`,
    `${proper(9)},\n  "Size": nan`,
    proper(10),
    `  "SlurpSubmission": "${uuid}",\n  "ClusterId": 3`,
    '  "ClusterId": 4',
  );
  const { value, unread } = readAds(text, 'condor_q', parseJob);
  expect(value.map(({ cupsid }) => cupsid)).toEqual([7, 10]);
  const reason = "An ad in the answer of 'condor_q' is not JSON";
  expect(unread).toEqual([
    { uuid, cupsid: 8, reason },
    { uuid, cupsid: 9, reason },
    {
      uuid,
      reason: "An ad in the answer of 'condor_q' has missing or invalid fields: 'SlurpCupsid', 'ProcId', 'JobStatus'",
    },
    {
      reason:
        "An ad in the answer of 'condor_q' has missing or invalid fields: 'SlurpSubmission', 'SlurpCupsid', 'ProcId', 'JobStatus'",
    },
  ]);
});

test.each(['SlurpSubmission', 'SlurpCupsid', 'ProcId', 'JobStatus'])('takes no report without %s (C-H5)', (name) => {
  expect(() => parseJob({ ...held, [name]: undefined })).toThrow();
});
