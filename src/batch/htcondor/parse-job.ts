import * as z from 'zod';

import { signalNameOf } from '#util/process/signal-name.ts';

import type { BatchJobReport } from '../backend.ts';
import type { Ad } from './parse-ads.ts';

/** Attributes that a job's report is made of. */
export const jobAttributes: readonly string[] = [
  ...['SlurpSubmission', 'SlurpCupsid', 'ClusterId', 'ProcId', 'JobStatus', 'EnteredCurrentStatus', 'NumJobStarts'],
  ...['RemoteHost', 'LastRemoteHost', 'ExitCode', 'ExitBySignal', 'ExitSignal'],
  ...['HoldReason', 'HoldReasonCode', 'HoldReasonSubCode', 'RemoveReason'],
  ...['RemoteUserCpu', 'RemoteSysCpu', 'RemoteWallClockTime', 'MemoryUsage', 'ResidentSetSize', 'DiskUsage'],
];

// An attribute is absent, null where it was undefined again, or a text where it is an expression.
const count = z.number().nullish().catch(undefined);
const text = z.string().nullish().catch(undefined);

const jobSchema = z.object({
  SlurpSubmission: z.string(),
  SlurpCupsid: z.number().int(),
  ClusterId: z.number().int(),
  ProcId: z.number().int().nonnegative(),
  JobStatus: z.number().int().min(1).max(7),
  EnteredCurrentStatus: count,
  NumJobStarts: count,
  RemoteHost: text,
  LastRemoteHost: text,
  ExitCode: count,
  ExitBySignal: z.boolean().nullish().catch(undefined),
  ExitSignal: count,
  HoldReason: text,
  HoldReasonCode: count,
  HoldReasonSubCode: count,
  RemoveReason: text,
  RemoteUserCpu: count,
  RemoteSysCpu: count,
  RemoteWallClockTime: count,
  MemoryUsage: count,
  ResidentSetSize: count,
  DiskUsage: count,
});

type JobAd = z.infer<typeof jobSchema>;

/** JobStatus 1 to 7. A job that transfers its output still runs. */
const states = ['idle', 'running', 'removed', 'completed', 'held', 'running', 'suspended'] as const;

/**
 * Makes the report of a job out of its attributes.
 *
 * @throws ZodError if what every job of ours has is not there
 */
export function parseJob(ad: Ad): BatchJobReport {
  const job = jobSchema.parse(ad);
  const state = states[job.JobStatus - 1] ?? 'idle';
  const node = (job.RemoteHost ?? job.LastRemoteHost)?.replace(/^[^@]*@/u, '');
  const since = job.EnteredCurrentStatus;
  return {
    ...{ uuid: job.SlurpSubmission, cluster: job.ClusterId, process: job.ProcId, cupsid: job.SlurpCupsid, state },
    starts: job.NumJobStarts ?? 0,
    ...withoutAbsent({
      since: since == null ? undefined : new Date(since * 1000).toISOString(),
      node,
      removeReason: state === 'removed' ? job.RemoveReason : undefined,
      ...(state === 'completed' ? endOf(job) : {}),
      ...(state === 'held' ? holdOf(job) : {}),
      ...usageOf(job),
    }),
  };
}

function endOf(job: JobAd) {
  const number = job.ExitBySignal === true ? job.ExitSignal : undefined;
  return {
    exitCode: job.ExitBySignal === true ? undefined : job.ExitCode,
    signal: number == null ? undefined : (signalNameOf(number) ?? `SIG${number}`),
  };
}

function holdOf(job: JobAd) {
  return { holdReason: job.HoldReason, holdCode: job.HoldReasonCode, holdSubcode: job.HoldReasonSubCode };
}

function usageOf(job: JobAd) {
  // Both in KB. MemoryUsage is an expression of ResidentSetSize unless a site made it something else.
  const memoryMb = job.MemoryUsage ?? (job.ResidentSetSize == null ? undefined : Math.ceil(job.ResidentSetSize / 1024));
  const hasCpu = job.RemoteUserCpu != null || job.RemoteSysCpu != null;
  return {
    cpuSeconds: hasCpu ? (job.RemoteUserCpu ?? 0) + (job.RemoteSysCpu ?? 0) : undefined,
    wallSeconds: job.RemoteWallClockTime,
    memoryMb,
    diskMb: job.DiskUsage == null ? undefined : Math.ceil(job.DiskUsage / 1024),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

function withoutAbsent<T extends Record<string, unknown>>(record: T): Present<T> {
  const result: Present<T> = {};
  for (const key in record) {
    const value = record[key];
    if (isPresent(value)) result[key] = value;
  }
  return result;
}

function isPresent<T>(value: T): value is Exclude<T, null | undefined> {
  return value !== undefined && value !== null;
}
