import * as z from 'zod';

import { present } from '#util/present.ts';

const process = z.number().int().nonnegative();
const start = z.number().int().nonnegative();
const at = z.string();

/** One line of a submission's journal. Any process writes `request`, only the runner all others. */
export const journalEventSchema = z.discriminatedUnion('kind', [
  /** Whole submission where `processes` is absent. */
  z.object({
    kind: z.literal('request'),
    action: z.enum(['hold', 'release', 'remove']),
    reason: z.string(),
    processes: z.array(process).optional(),
    at,
  }),
  z.object({ kind: z.literal('starting'), process, start, at }),
  /** The launcher of that start never ran: the job waits again. */
  z.object({ kind: z.literal('unstarted'), process, start, at }),
  z.object({
    kind: z.literal('ended'),
    process,
    start,
    at,
    exitCode: z.number().int(),
    signal: z.string().optional(),
    wallSeconds: z.number().optional(),
    cpuSeconds: z.number().optional(),
  }),
  z.object({
    kind: z.literal('held'),
    process,
    start,
    at,
    reason: z.string(),
    code: z.number().int(),
    subcode: z.number().int(),
  }),
  z.object({ kind: z.literal('removed'), process, start, at, reason: z.string() }),
]);

/** One line of a submission's journal. */
export type JournalEvent = z.infer<typeof journalEventSchema>;

/** State of one job after all events of the journal so far; times are UTC, ISO 8601. */
export interface LocalJob {
  readonly state: 'idle' | 'running' | 'held' | 'completed' | 'removed';
  readonly since: string;
  /** How often it was started. */
  readonly starts: number;
  /** What was asked of it while it runs; the runner does it. */
  readonly pending?: { readonly action: 'hold' | 'remove'; readonly reason: string };
  readonly exitCode?: number;
  readonly signal?: string;
  readonly wallSeconds?: number;
  readonly cpuSeconds?: number;
  readonly holdReason?: string;
  readonly holdCode?: number;
  readonly holdSubcode?: number;
  readonly removeReason?: string;
}

/** The jobs of a submission; those that nothing happened to are not in `jobs`, and idle. */
export interface LocalJobs {
  readonly count: number;
  readonly submittedAt: string;
  readonly jobs: Map<number, LocalJob>;
  /** How many are completed or removed. */
  ended: number;
}

/** The reason code of a job that was held by a user, as in HTCondor. */
export const heldOnRequest = 1;

/** Reports what is known of a job, also of one that nothing happened to. */
export function jobOf(jobs: LocalJobs, number: number): LocalJob {
  return jobs.jobs.get(number) ?? { state: 'idle', since: jobs.submittedAt, starts: 0 };
}

/** Returns whether a job has left the queue. */
export function hasEnded(job: LocalJob): boolean {
  return job.state === 'completed' || job.state === 'removed';
}

/**
 * Takes one event of the journal into account; what does not fit the state it meets changes nothing.
 *
 * @returns the processes whose job changed
 */
export function applyJournalEvent(jobs: LocalJobs, event: JournalEvent): readonly number[] {
  const targets =
    event.kind === 'request'
      ? (event.processes ?? Array.from({ length: jobs.count }, (_, index) => index))
      : [event.process];
  return targets.filter((number) => {
    if (number >= jobs.count) return false;
    const before = jobOf(jobs, number);
    const after = nextJobOf(before, event);
    if (after === undefined) return false;
    jobs.jobs.set(number, after);
    if (hasEnded(after)) jobs.ended += 1;
    return true;
  });
}

function nextJobOf(job: LocalJob, event: JournalEvent): LocalJob | undefined {
  if (event.kind === 'request') return requestedJobOf(job, event);
  if (event.kind === 'starting') {
    if (job.state !== 'idle' || event.start !== job.starts) return undefined;
    return { state: 'running', since: event.at, starts: job.starts + 1 };
  }
  if (job.state !== 'running' || event.start !== job.starts - 1) return undefined;
  const base = { since: event.at, starts: job.starts };
  switch (event.kind) {
    case 'unstarted':
      return { ...base, state: 'idle' };
    case 'ended': {
      const { kind: _kind, process: _process, start: _start, at: _at, ...result } = event;
      return { ...base, state: 'completed', ...withoutUndefined(result) };
    }
    case 'held':
      return { ...base, state: 'held', holdReason: event.reason, holdCode: event.code, holdSubcode: event.subcode };
    case 'removed':
      return { ...base, state: 'removed', removeReason: event.reason };
  }
}

function requestedJobOf(job: LocalJob, event: JournalEvent & { kind: 'request' }): LocalJob | undefined {
  const { action, reason, at: since } = event;
  const { starts } = job;
  if (action === 'release') return job.state === 'held' ? { state: 'idle', since, starts } : undefined;
  if (job.state === 'running') {
    return job.pending?.action === 'remove' ? undefined : { ...job, pending: { action, reason } };
  }
  if (action === 'remove') {
    return hasEnded(job) ? undefined : { state: 'removed', since, starts, removeReason: reason };
  }
  if (job.state !== 'idle') return undefined;
  return { state: 'held', since, starts, holdReason: reason, holdCode: heldOnRequest, holdSubcode: 0 };
}

type Result = Omit<JournalEvent & { kind: 'ended' }, 'kind' | 'process' | 'start' | 'at'>;

function withoutUndefined(result: Result): Pick<LocalJob, 'exitCode' | 'signal' | 'wallSeconds' | 'cpuSeconds'> {
  return {
    exitCode: result.exitCode,
    ...present({ signal: result.signal, wallSeconds: result.wallSeconds, cpuSeconds: result.cpuSeconds }),
  };
}
