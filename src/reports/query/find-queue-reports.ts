import { findSubmissionsWithEnded } from '#db/status/find-ended-attempts.ts';
import { findSubmissionsWithOpen } from '#db/status/find-open-attempts.ts';
import { findCondorRows } from '#db/status/query/find-condor-rows.ts';
import { findHeldRows } from '#db/status/query/find-held-rows.ts';
import { present } from '#util/present.ts';

import { makeQueueJobs, readQueue } from './read-queue.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Queryable } from '#db/connect.ts';
import type { HeldSubmission, QueryReport, QuerySelection } from '#model/report/query-report.ts';

/** What reports about the queue are found with. */
export interface QueueReportInput {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly selection: QuerySelection;
  /** Rows at most; 0: all. */
  readonly limit: number;
  /** Runs statements that only read. */
  readonly read: <T>(action: (session: Queryable) => Promise<T>) => Promise<T>;
}

/** Only this many submissions, and none older, are searched for jobs that have ended. */
const endedLooked = { days: 90, limit: 2000 } as const;

/** Joins open attempts with the queue of the batch system. @throws DatabaseError */
export async function findCondorReport(input: QueueReportInput): Promise<QueryReport> {
  const { backend, selection, limit, read } = input;
  const open = await read((session) => findSubmissionsWithOpen(session, backend.name));
  const { silence, ...queue } = await readQueue(
    backend,
    open.map(({ uuid }) => uuid),
  );
  const found = await read((session) => findCondorRows(session, queue, selection, limit));
  return { report: 'condor', ...present({ since: selection.since, silence }), ...found };
}

/** Finds the jobs that the batch system holds, and their attempts. Changes nothing. @throws DatabaseError */
export async function findHeldReport(input: QueueReportInput): Promise<QueryReport> {
  const { backend, selection, limit, read } = input;
  const open = await read((session) => findSubmissionsWithOpen(session, backend.name));
  const ended = await read((session) => findSubmissionsWithEnded(session, backend.name, endedLooked));
  const uuids = [...new Set([...open.map(({ uuid }) => uuid), ...ended])];
  const about = { report: 'held', ...present({ since: selection.since }) } as const;
  const held = uuids.length === 0 ? emptyAnswer : await backend.queryQueue(uuids, 'held');
  if (held.kind === 'unknown') return { ...about, rows: [], leftOut: 0, stops: [], silence: held.reason };
  const { stops, silence } = await findHeldSubmissions(backend, open);
  const found = await read((session) => findHeldRows(session, makeQueueJobs(held.value), selection, limit));
  return { ...about, ...found, stops, ...present({ silence: held.unread?.[0]?.reason ?? silence }) };
}

const emptyAnswer: Awaited<ReturnType<BatchBackend['queryQueue']>> = { kind: 'answer', value: [] };

/** Finds the submissions of which the batch system makes no further jobs, because it holds them or cannot make one. */
async function findHeldSubmissions(
  backend: BatchBackend,
  open: readonly { readonly uuid: string; readonly rule: string }[],
): Promise<{ readonly stops: readonly HeldSubmission[]; readonly silence?: string }> {
  if (open.length === 0) return { stops: [] };
  const rules = new Map(open.map(({ uuid, rule }) => [uuid, rule]));
  const found = await backend.findSubmissions([...rules.keys()], 'queue');
  if (found.kind === 'unknown') return { stops: [], silence: found.reason };
  const stops = found.value.flatMap(({ uuid, cluster, count, nextProcess, stop }): HeldSubmission[] => {
    if (stop === undefined) return [];
    const { kind, reason } = stop;
    return [{ rule: rules.get(uuid) ?? 'unknown', cluster, kind, reason, unmade: count - nextProcess }];
  });
  return { stops, ...present({ silence: found.unread?.[0]?.reason }) };
}
