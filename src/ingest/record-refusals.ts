import { refusalSourceOf } from '#db/status/refused/resolve-refused.ts';
import { parseEvent } from '#model/job/parse-event.ts';
import { present } from '#util/present.ts';

import type { EventToRecord } from '#db/status/record-events.ts';
import type { Log } from '#model/log.ts';

import type { EventRecorder } from './event-recorder.ts';

/** A report that cannot be taken: what is known of it. None of it was checked. */
export interface Refusal {
  readonly cupsid: number;
  readonly source: string;
  readonly sequence: number;
  /** What was reported, e.g. `stageout`. */
  readonly report: string;
  readonly reason: string;
}

/**
 * Records that reports were refused, as events of their attempts: twice changes nothing. Of attempts that are not there,
 * or not of that submission, only the log knows.
 *
 * @throws DatabaseError, GatewayError: then nothing is recorded, and the reports should be sent again
 * @see docs/events.md
 */
export async function recordRefusals(
  { recorder, log }: { readonly recorder: EventRecorder; readonly log: Log },
  refusals: readonly Refusal[],
  { allowedSubmission }: { readonly allowedSubmission?: string } = {},
): Promise<void> {
  const at = new Date().toISOString();
  const items = refusals.flatMap(({ cupsid, source, sequence, report, reason }): readonly EventToRecord[] => {
    log.warn({ cupsid, source, sequence, report, reason }, 'a report was refused');
    const detail = { kind: 'refused', report, reason };
    // A start that the row knows must not be taken for another one because of a report that makes no sense.
    const event = { cupsid, source: refusalSourceOf(source), sequence, start: -1, at, detail };
    const parsed = [event, { ...event, source: 'refused', sequence: Date.now() }].map(parseEvent);
    const valid = parsed.find((one) => one.kind === 'event');
    if (valid === undefined) return [];
    return [{ event: valid.event, ...present({ submission: allowedSubmission }) }];
  });
  await recorder.write(items);
}
