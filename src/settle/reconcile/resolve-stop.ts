import { withDatabaseRetries } from '#db/retry.ts';
import { putStop, removeStop } from '#db/status/factory/put-stop.ts';
import { countUnmade, findUnmade, withdrawUnmade } from '#db/status/factory/withdraw-unmade.ts';
import { ingestOwnEvents } from '#ingest/ingest-own-events.ts';

import type { BatchBackend, BatchSubmissionReport, FactoryStop } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { SubmissionWithOpen } from '#db/status/find-open-attempts.ts';
import type { Log } from '#model/log.ts';

/** The inputs of {@link resolveStop}; `keepHeldMs` is in ms. */
export interface StopInput {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
  /** A submission that an operator held waits for so long; absent: for ever. */
  readonly keepHeldMs?: number;
  /** Nothing is changed: the outcome says what would be done. */
  readonly isReportOnly?: boolean;
}

/** What the batch system says of the submission, and how many of its jobs were surely made. */
export interface StopSight {
  /** Absent: it knows nothing of it. */
  readonly report?: BatchSubmissionReport;
  /** One more than the greatest process number of a job that was seen in queue or history. */
  readonly seen: number;
}

/** The outcome for a submission whose jobs the batch system has stopped creating; a union by `kind`. */
export type StopOutcome =
  /** The batch system makes its jobs, or has made them. */
  | { readonly kind: 'makes' }
  /** It makes none, and that may change. */
  | { readonly kind: 'waits'; readonly stop: FactoryStop; readonly unmade: number }
  /** Its jobs from process number `from` on are never made: their attempts are taken back, the one that could not be made failed. */
  | {
      readonly kind: 'resolved';
      readonly reason: string;
      readonly from: number;
      readonly takenBack: number;
      readonly failed: number;
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Handles a submission of which the batch system creates no further jobs. What is broken is never released, since the batch
 * system would go on with wrong numbers: its factory ends, what was made runs on, and the attempts without a job are taken
 * back, so that they can be dispatched again. Only the one that could not be made fails, so that it is not tried for ever.
 * A held submission waits for its release. Each step is recorded before it is done, and finished by the next call if this
 * one dies.
 *
 * @throws DatabaseError
 * @see docs/reconcile.md
 */
export async function resolveStop(
  input: StopInput,
  submission: SubmissionWithOpen,
  { report, seen }: StopSight,
): Promise<StopOutcome> {
  const { status } = input;
  const { uuid, stop: recorded } = submission;
  const stop = report?.stop;
  if (report === undefined || report.isOver === true || stop?.kind === 'removed') {
    // It was removed (perhaps by us, before we died) when it had stopped already.
    if (recorded === null) return { kind: 'makes' };
    const next = report === undefined || report.isOver === true ? recorded.next : report.nextProcess;
    return withdrawRest(input, uuid, { reason: recorded.reason, from: Math.max(next, seen), failed: 0 });
  }
  if (stop === undefined) {
    if (recorded !== null && input.isReportOnly !== true) await withDatabaseRetries(() => removeStop(status, uuid));
    return { kind: 'makes' };
  }
  const { kind, reason } = stop;
  if (input.isReportOnly !== true) {
    await withDatabaseRetries(() => putStop(status, uuid, { kind, reason, next: report.nextProcess }));
  }
  const unmade = report.count - report.nextProcess;
  if (kind === 'held' && !isOverdue(input, recorded?.sinceMs)) return { kind: 'waits', stop, unmade };
  const failed = stop.process === undefined ? 0 : await markUnmade(input, uuid, stop.process, reason);
  const removed = await input.backend.removeUnmade(uuid, `no further jobs were created: ${reason}`);
  if (removed.kind === 'unknown') return removed;
  return withdrawRest(input, uuid, { reason, from: Math.max(report.nextProcess, seen), failed });
}

function isOverdue({ keepHeldMs }: StopInput, sinceMs: number | undefined): boolean {
  return keepHeldMs !== undefined && Date.now() - (sinceMs ?? Date.now()) >= keepHeldMs;
}

async function withdrawRest(
  { status, backend, log, isReportOnly }: StopInput,
  uuid: string,
  { reason, from, failed }: { readonly reason: string; readonly from: number; readonly failed: number },
): Promise<StopOutcome> {
  if (isReportOnly === true) {
    const unmade = await withDatabaseRetries(() => countUnmade(status, { uuid, from }));
    return { kind: 'resolved', reason, from, takenBack: unmade - failed, failed };
  }
  const why = describeNeverMade(backend, reason);
  const takenBack = await withDatabaseRetries(() =>
    status.transaction((session) => withdrawUnmade(session, { uuid, from }, why, 'reconcile')),
  );
  if (failed + takenBack > 0) log.warn({ submission: uuid, reason, failed, takenBack }, 'jobs that were never created');
  return { kind: 'resolved', reason, from, takenBack, failed };
}

/** The one that cannot be made would stop the next submission too. */
async function markUnmade(
  { status, backend, log, isReportOnly }: StopInput,
  uuid: string,
  process: number,
  reason: string,
): Promise<number> {
  const cupsid = await withDatabaseRetries(() => findUnmade(status, uuid, process));
  if (cupsid === undefined) return 0;
  if (isReportOnly === true) return 1;
  const nowMs = Date.now();
  const event = {
    ...{ cupsid, source: 'batch:-1', start: -1, sequence: nowMs, at: new Date(nowMs).toISOString() },
    detail: { kind: 'removed' as const, reason: describeNeverMade(backend, reason) },
  };
  return (await ingestOwnEvents({ status, log }, [event])).length;
}

const names = { htcondor: 'HTCondor', local: 'The local queue' } as const;

function describeNeverMade({ name }: BatchBackend, reason: string): string {
  return `${names[name]} never created the job: ${reason}`;
}
