import { ingestEvents } from '#ingest/ingest-events.ts';
import { recordRefusals } from '#ingest/record-refusals.ts';
import { GatewayError } from '#model/errors.ts';
import { findImpostor } from '#model/job/find-impostor.ts';
import { parseEvent, renderComplaints } from '#model/job/parse-event.ts';
import { withBound } from '#util/with-bound.ts';

import { HttpProblem } from './http-problem.ts';
import { readList } from './read-list.ts';

import type { EventRecorder } from '#ingest/event-recorder.ts';
import type { IngestResources } from '#ingest/ingest-events.ts';
import type { Refusal } from '#ingest/record-refusals.ts';
import type { EventReply, EventResult } from '#model/job/event-reply.ts';
import type { ParsedEvent } from '#model/job/parse-event.ts';

/** How long a request may wait for its commit; jobs wait shorter, and report again. */
const boundMs = 15_000;

/**
 * Answers `POST /v1/events`: records what can be recorded, and of the rest that it was refused; answers every event in the
 * order of the request.
 *
 * @throws HttpProblem 400 where no event makes sense, 403 where all are of other submissions, 413 for too many;
 *   DatabaseError and GatewayError where nothing was recorded
 * @see docs/gateway.md
 */
export async function answerEvents(
  resources: IngestResources & { readonly recorder: EventRecorder },
  submission: string,
  body: unknown,
  clock: { readonly clockOffsetMs?: number } = {},
): Promise<EventReply> {
  const values = readList(body, 'events');
  const parsed = values.map(parseJobEvent);
  const events = parsed.flatMap((one) => (one.kind === 'event' ? [one.event] : []));
  const terms = { allowedSubmission: submission, ...clock };
  const reply = await withBound(ingestEvents(resources, events, terms), boundMs, answerTooSlow);
  let next = 0;
  const results = parsed.map((one, index): EventResult | undefined =>
    one.kind === 'event' ? reply.results[next++] : toInvalidResult(values[index], one),
  );
  const refusals = results.flatMap((result, index): readonly Refusal[] => {
    if (result?.outcome !== 'invalid') return [];
    return [{ ...result, report: kindOf(values[index]), reason: result.reason ?? 'invalid' }];
  });
  if (refusals.length > 0) {
    await withBound(recordRefusals(resources, refusals, { allowedSubmission: submission }), boundMs, answerTooSlow);
  }
  for (const { cupsid, outcome } of results.filter((result) => result !== undefined)) {
    // Of no attempt that this job may speak for, so that no row can say it.
    if (outcome === 'unknown-attempt' || outcome === 'forbidden') {
      resources.log.warn({ cupsid, outcome, submission }, 'a report was refused');
    }
  }
  const { verdicts, registered } = reply;
  const given = { results: results.filter((result) => result !== undefined), verdicts, registered };
  assertSomeAccepted(given.results, parsed);
  return given;
}

/** A job speaks for itself only. */
function parseJobEvent(value: unknown): ParsedEvent {
  const parsed = parseEvent(value);
  const reason = parsed.kind === 'event' ? findImpostor(parsed.event) : undefined;
  return reason === undefined ? parsed : { kind: 'invalid', complaints: [{ path: '', message: reason }] };
}

/** Where nothing at all could be taken the status says so too; the results stand in the problem. */
function assertSomeAccepted(results: readonly EventResult[], parsed: readonly ParsedEvent[]): void {
  if (results.length === 0) return;
  if (results.every(({ outcome }) => outcome === 'invalid')) {
    const complaints = parsed.flatMap((one, index) =>
      one.kind === 'event'
        ? []
        : one.complaints.map(({ path, message }) => ({ path: `events.${index}${path && `.${path}`}`, message })),
    );
    const detail = 'No event of this request is valid: see complaints';
    throw new HttpProblem({ status: 400, code: 'invalid-events', detail, more: { complaints, results } });
  }
  if (results.every(({ outcome }) => outcome === 'forbidden')) {
    const detail = 'All events of this request are about attempts of another submission';
    throw new HttpProblem({ status: 403, code: 'forbidden', detail, more: { results } });
  }
}

function toInvalidResult(value: unknown, parsed: Extract<ParsedEvent, { kind: 'invalid' }>): EventResult {
  const given = typeof value === 'object' && value !== null ? value : {};
  return {
    cupsid: 'cupsid' in given && typeof given.cupsid === 'number' ? given.cupsid : 0,
    source: 'source' in given && typeof given.source === 'string' ? given.source : '',
    sequence: 'sequence' in given && typeof given.sequence === 'number' ? given.sequence : -1,
    outcome: 'invalid',
    reason: renderComplaints(parsed.complaints),
  };
}

/** What a value that is not a valid event was to report, as far as it says. */
function kindOf(value: unknown): string {
  const detail = typeof value === 'object' && value !== null && 'detail' in value ? value.detail : undefined;
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
  return typeof kind === 'string' ? kind.slice(0, 40) : 'unknown';
}

function answerTooSlow(): never {
  throw new GatewayError('The database takes too long; send the request again', { code: 'gateway-slow' });
}
