import { parseEvent, renderComplaints } from '#model/job/parse-event.ts';

import { makeEventRecorder } from './event-recorder.ts';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';

/** Events recorded in one transaction. */
const eventsAtOnce = 500;

/**
 * Records what SLURP itself says about attempts, for the batch system or an operator: checked as what jobs say, since the
 * reasons in them are texts of other programs, and cleaned of what the database cannot hold. One that cannot be recorded is
 * logged, and stops no other.
 *
 * @returns those that were not known before, in order
 * @throws DatabaseError, GatewayError: all may be said again
 */
export async function ingestOwnEvents(
  resources: { readonly status: Database; readonly log: Log },
  events: readonly JobEvent[],
): Promise<readonly JobEvent[]> {
  const recorder = makeEventRecorder(resources);
  const sound = events.flatMap((event) => {
    const parsed = parseEvent(event);
    if (parsed.kind === 'event') return [parsed.event];
    resources.log.error({ event, reason: renderComplaints(parsed.complaints) }, 'event refused');
    return [];
  });
  const fresh: JobEvent[] = [];
  for (let from = 0; from < sound.length; from += eventsAtOnce) {
    const group = sound.slice(from, from + eventsAtOnce);
    const results = await recorder.write(group.map((event) => ({ event })));
    fresh.push(...group.filter((_, index) => results[index]?.outcome === 'new'));
  }
  return fresh;
}
