import { withDatabaseRetries } from '#db/retry.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { GatewayError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { withBound } from '#util/with-bound.ts';

import { makeGroupWriter } from './group-writer.ts';
import { isPoison } from './is-poison.ts';

import type { Database } from '#db/connect.ts';
import type { EventToRecord, RecordedEvent } from '#db/status/record-events.ts';
import type { EventOutcome } from '#model/job/event-reply.ts';
import type { Log } from '#model/log.ts';

import type { GroupWriter } from './group-writer.ts';

/** What became of an event: as the database says, or that it cannot be recorded at all. */
export interface RecordResult extends Omit<RecordedEvent, 'outcome'> {
  readonly outcome: EventOutcome;
}

/** Records events in groups; see {@link makeGroupWriter}. */
export type EventRecorder = GroupWriter<EventToRecord, RecordResult>;

/** At 1,000 events a write takes 0.1 to 0.2 s on two shared cores; more would only make everybody wait longer. */
const maxItems = 1000;

/**
 * A write that hangs (a network that swallows everything) must not hold up all others until TCP gives up. It may still
 * succeed; reported again, its events are duplicates.
 */
const boundMs = 30_000;

/** About ten seconds of work, and a few ten MB. */
const maxQueued = 50_000;

/**
 * Makes a recorder over the status database. A conflict between two gateways is tried again, a database that is away is
 * not: the sender has the event in its spool, and asks again.
 */
export function makeEventRecorder(resources: { readonly status: Database; readonly log: Log }): EventRecorder {
  const { status, log } = resources;
  return makeGroupWriter<EventToRecord, RecordResult>({
    maxItems,
    maxQueued,
    isPoison,
    write: (items) =>
      withBound(
        withDatabaseRetries(() => recordEvents(status, items), {
          attempts: 2,
          say: (message) => log.warn({}, message),
        }),
        boundMs,
        () => {
          throw new GatewayError(`The database has not answered for ${boundMs / 1000} s`, { code: 'gateway-slow' });
        },
      ),
    refuse: ({ event }, error) => {
      const reason = describeError(error);
      log.error({ cupsid: event.cupsid, source: event.source, sequence: event.sequence, reason }, 'event refused');
      return { outcome: 'invalid', go: null, reason };
    },
  });
}
