import { present } from '#util/present.ts';

import type { BatchJobReport, BatchSubmissionReport } from '#batch/backend.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';
import type { JobEvent, JobEventDetail } from '#model/job/job-event.ts';

/** What the batch system says of one attempt; asked for in this order: submission, queue, history. */
export interface Sight {
  readonly submission?: BatchSubmissionReport;
  readonly queue?: BatchJobReport;
  readonly history?: BatchJobReport;
  /** One more than the greatest process number of its submission in the history; absent where there is none. */
  readonly made?: number;
  /** Why there is no answer; then the other fields say nothing. */
  readonly silence?: string;
}

/** What a decision goes by, beside the attempt and what is seen of it. */
export interface DecisionTerms {
  /** Milliseconds since 1970, by our clock. */
  readonly nowMs: number;
  /** A job's own word about its end is waited for this long. */
  readonly endGraceMs: number;
  /** A job that is nowhere to be found is called vanished when nothing was heard of it for this long. */
  readonly vanishAfterMs: number;
}

/** What is to be done about an attempt. */
export type Decision =
  /** Row and batch system agree. */
  | { readonly kind: 'nothing' }
  /** The submission is confirmed, the attempt is not. */
  | { readonly kind: 'confirm' }
  /** The batch system knows what the row does not: at least one event, in order. */
  | { readonly kind: 'report'; readonly events: readonly JobEvent[] }
  /** The attempt was retired, its job was not. */
  | { readonly kind: 'remove-job'; readonly reason: string }
  /** It will be known later, without anybody's help. */
  | { readonly kind: 'wait'; readonly why: string }
  /** It is not known. */
  | { readonly kind: 'unknown'; readonly why: string };

const nothing: Decision = { kind: 'nothing' };

/**
 * Decides what is to be done about an attempt that is not final, by what the batch system says of it. Not to be in the
 * queue is not a success, and no answer is not a statement. The row must have been read before the batch system was asked.
 *
 * The same attempt and the same sight give the same events, with the same keys; what a decision records makes the next one
 * `nothing`. Never throws.
 *
 * @see docs/reconcile.md
 */
export function decideAttempt(attempt: OpenAttempt, sight: Sight, terms: DecisionTerms): Decision {
  if (sight.silence !== undefined) return { kind: 'unknown', why: sight.silence };
  if (!attempt.isConfirmed) return { kind: 'wait', why: 'its submission is not confirmed' };
  if (attempt.state === 'submitting') return { kind: 'confirm' };
  // The history was asked last: what it has, has ended meanwhile.
  const report = sight.history ?? sight.queue;
  if (report === undefined) return decideAbsent(attempt, sight, terms);
  if (report.state === 'completed' || report.state === 'removed') return decideEnded(attempt, report, terms);
  if (attempt.retiredReason !== null) {
    return { kind: 'remove-job', reason: `cupsid ${attempt.id} was retired: ${attempt.retiredReason}` };
  }
  const details = detailsOf(attempt, report);
  return details.length === 0 ? nothing : { kind: 'report', events: makeEvents(attempt, report, details, terms) };
}

function decideAbsent(attempt: OpenAttempt, { submission, made }: Sight, terms: DecisionTerms): Decision {
  if (submission !== undefined && attempt.process >= submission.nextProcess) {
    return submission.stop?.kind === 'removed' ? decideNeverMade(attempt, terms) : nothing;
  }
  const silentMs = terms.nowMs - lastHeardOf(attempt);
  if (silentMs < terms.vanishAfterMs) {
    return {
      kind: 'wait',
      why: `in neither queue nor history, but last heard of within ${spanOf(terms.vanishAfterMs)}`,
    };
  }
  // Jobs are made in the order of their numbers, so those behind the last one that is remembered never were.
  const isUnmade = submission?.isOver === true && attempt.start < 0 && made !== undefined && attempt.process >= made;
  if (isUnmade) return decideNeverMade(attempt, terms);
  const reason =
    submission === undefined
      ? 'The batch system knows neither the job nor its submission'
      : 'The job is neither in the queue nor in the history of the batch system';
  return {
    kind: 'report',
    events: [
      {
        ...keyOf(attempt, attempt.start, lastHeardOf(attempt), 'vanished'),
        at: new Date(terms.nowMs).toISOString(),
        detail: { kind: 'vanished', reason },
      },
    ],
  };
}

function decideNeverMade(attempt: OpenAttempt, { nowMs }: DecisionTerms): Decision {
  const reason = 'Its submission was removed from the queue before the job was created';
  const event = {
    ...keyOf(attempt, attempt.start, lastHeardOf(attempt), 'removed'),
    at: new Date(nowMs).toISOString(),
  };
  return { kind: 'report', events: [{ ...event, detail: { kind: 'removed', reason } }] };
}

function decideEnded(attempt: OpenAttempt, report: BatchJobReport, terms: DecisionTerms): Decision {
  const sinceMs = sinceOf(report);
  // Of a start that reported its end itself the batch system has only to say that it was the last. Reports arrive in
  // order, so none is missing.
  const isReported = attempt.exitCode !== null && attempt.start >= report.starts - 1;
  const isEarly = sinceMs !== undefined && terms.nowMs - sinceMs < terms.endGraceMs;
  if (isEarly && !(isReported && report.state === 'completed')) {
    return { kind: 'wait', why: `ended within ${spanOf(terms.endGraceMs)}: its own report may still arrive` };
  }
  return { kind: 'report', events: makeEvents(attempt, report, endOf(report, isReported), terms) };
}

function endOf(report: BatchJobReport, isReported: boolean): readonly JobEventDetail[] {
  if (report.state === 'removed') {
    return [{ kind: 'removed', reason: report.removeReason ?? 'Removed from the queue, without a reason' }];
  }
  const { exitCode, signal, node, cpuSeconds, wallSeconds, memoryMb, diskMb } = report;
  const exited: JobEventDetail = {
    kind: 'exited',
    ...present({ exitCode, signal, node, cpuSeconds, wallSeconds, memoryMb, diskMb }),
  };
  if (exitCode === 0 || isReported) return [exited];
  const code = exitCode === undefined ? 'Ended' : `Ended with exit code ${exitCode}`;
  const how = signal === undefined ? code : `Killed by ${signal}`;
  return [{ kind: 'message', text: `${how} before it reported an end` }, exited];
}

/** What the row lacks of the state of a job that has not ended. */
function detailsOf(attempt: OpenAttempt, report: BatchJobReport): readonly JobEventDetail[] {
  const isNewStart = report.starts - 1 > attempt.start;
  switch (report.state) {
    case 'running':
    case 'suspended':
      return isNewStart ? [{ kind: 'started', node: report.node ?? 'unknown' }] : [];
    case 'held': {
      const [code, subcode] = [report.holdCode ?? null, report.holdSubcode ?? null];
      const isKnown = attempt.state === 'held' && attempt.holdCode === code && attempt.holdSubcode === subcode;
      if (isKnown && !isNewStart) return [];
      return [
        {
          kind: 'held',
          reason: report.holdReason ?? 'Held, without a reason',
          ...(code === null ? {} : { code }),
          ...(subcode === null ? {} : { subcode }),
        },
      ];
    }
    default:
      if (isNewStart || attempt.state === 'started' || attempt.state === 'running') {
        return [{ kind: 'evicted', reason: 'Back in the queue after it had started' }];
      }
      return attempt.state === 'held' ? [{ kind: 'released' }] : [];
  }
}

function makeEvents(
  attempt: OpenAttempt,
  report: BatchJobReport,
  details: readonly JobEventDetail[],
  { nowMs }: DecisionTerms,
): readonly JobEvent[] {
  const sinceMs = sinceOf(report) ?? nowMs;
  // The batch system's clock counts in seconds, and the worker may have spoken meanwhile, by a clock of its own: what the
  // batch system says now is later than whatever the row holds.
  const momentMs = Math.max(sinceMs, (attempt.lastMessageMs ?? 0) + 1);
  // A batch system that crashed may have forgotten a start.
  const start = Math.max(report.starts - 1, attempt.start);
  return details.map((detail) => ({
    ...keyOf(attempt, start, momentMs, detail.kind),
    at: new Date(momentMs).toISOString(),
    detail,
  }));
}

/** Of two events of one moment, the later one here counts. */
const kindOrder = ['started', 'released', 'held', 'evicted', 'message', 'exited', 'removed', 'vanished'];

function keyOf(attempt: OpenAttempt, start: number, momentMs: number, kind: JobEventDetail['kind']) {
  const sequence = Math.floor(momentMs) * kindOrder.length + kindOrder.indexOf(kind);
  return { cupsid: attempt.id, source: `batch:${start}`, start, sequence };
}

function lastHeardOf(attempt: OpenAttempt): number {
  return Math.max(attempt.lastMessageMs ?? 0, attempt.submittedMs ?? 0);
}

function sinceOf({ since }: BatchJobReport): number | undefined {
  const moment = since === undefined ? NaN : Date.parse(since);
  return Number.isNaN(moment) ? undefined : moment;
}

function spanOf(milliseconds: number): string {
  return milliseconds >= 120_000 ? `${Math.round(milliseconds / 60_000)} min` : `${Math.round(milliseconds / 1000)} s`;
}
