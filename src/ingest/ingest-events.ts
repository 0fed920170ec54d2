import { present } from '#util/present.ts';

import { makeEventRecorder } from './event-recorder.ts';
import { makeStageoutApplier } from './stageout-applier.ts';

import type { Database } from '#db/connect.ts';
import type { EventReply, EventResult } from '#model/job/event-reply.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';

import type { EventRecorder, RecordResult } from './event-recorder.ts';
import type { StageoutApplier } from './stageout-applier.ts';

/** What ingesting needs. A gateway brings recorder and applier of its own, so that its requests are joined. */
export interface IngestResources {
  readonly status: Database;
  readonly catalog: Database;
  readonly log: Log;
  readonly recorder?: EventRecorder;
  readonly applier?: StageoutApplier;
}

/** The limits of what a sender may report: the attempts of one submission, unless it is SLURP itself. */
export interface IngestOptions {
  /** Uuid of the only submission whose attempts may be spoken of; absent: the sender is SLURP itself. */
  readonly allowedSubmission?: string;
  /** How far our clock was ahead of the sender's when this was sent; absent where they could not be compared. */
  readonly clockOffsetMs?: number;
}

/**
 * The one door for everything that is said about attempts: records events, brings the attempts up to date, and
 * registers staged files. When it returns, what is called `new` is committed; files that could not be registered are
 * answered with a reason and applied later.
 *
 * @param events checked (`parseEvent`) or made by ourselves; any number
 * @throws DatabaseError, GatewayError: then nothing may be taken as recorded, and all may be sent again
 * @see docs/events.md
 */
export async function ingestEvents(
  resources: IngestResources,
  events: readonly JobEvent[],
  options: IngestOptions = {},
): Promise<EventReply> {
  const recorder = resources.recorder ?? makeEventRecorder(resources);
  const applier = resources.applier ?? makeStageoutApplier(resources);
  const recorded: RecordResult[] = [];
  for (let from = 0; from < events.length; from += chunkSize) {
    const chunk = events.slice(from, from + chunkSize).map((event) => withSubmission(event, options));
    recorded.push(...(await recorder.write(chunk)));
  }
  const outcomes = events.flatMap((event, index) => {
    const result = recorded[index];
    return result === undefined ? [] : [{ event, result, isTaken: isTaken(result) }];
  });
  const staged = outcomes.filter(({ event, isTaken }) => isTaken && event.detail.kind === 'stageout');
  return {
    results: outcomes.map(({ event, result }) => toEventResult(event, result)),
    verdicts: outcomes.flatMap(({ event, result }) =>
      result.go === null
        ? []
        : [{ cupsid: event.cupsid, go: result.go, ...(result.reason === null ? {} : { reason: result.reason }) }],
    ),
    registered: await applier.apply(staged.map(({ event }) => event)),
  };
}

/** Events recorded in one transaction, if they come in one call. */
const chunkSize = 1000;

function withSubmission(
  event: JobEvent,
  { allowedSubmission, clockOffsetMs }: IngestOptions,
): { event: JobEvent; submission?: string; clockOffsetMs?: number } {
  return {
    event,
    ...present({ submission: allowedSubmission, clockOffsetMs }),
  };
}

function isTaken({ outcome }: RecordResult): boolean {
  return outcome === 'new' || outcome === 'duplicate';
}

function toEventResult(event: JobEvent, { outcome, reason }: RecordResult): EventResult {
  const { cupsid, source, sequence } = event;
  return { cupsid, source, sequence, outcome, ...(outcome === 'invalid' && reason !== null ? { reason } : {}) };
}
