import { readFields } from './event-fields.ts';
import { cupsidRange, naturalRange, startRange } from './parse-event.ts';
import { readInstant } from './read-instant.ts';

import type { EventComplaint } from './event-fields.ts';

/** What a running job says of itself every few minutes. It is no event: only the latest one of an attempt is kept. */
export interface SignOfLife {
  /** `production_status.id`, the cupsid. */
  readonly cupsid: number;
  /** Number of earlier starts of the job. */
  readonly start: number;
  /** Number of the sign within its start: of two, the one with the higher number is the newer one. */
  readonly sequence: number;
  /** UTC, ISO 8601 with milliseconds and `Z`; the sender's clock. */
  readonly at: string;
  /** Events that the job has processed so far. */
  readonly events?: number;
  /** Memory that the job uses now. */
  readonly memoryBytes?: number;
  /** What the job has in its scratch directory now. */
  readonly diskBytes?: number;
}

/**
 * What became of a sign. `ignored`: the same or a newer one is known, or the attempt has ended or was started again. The last
 * three are useless to send again.
 */
export type SignOutcome = 'recorded' | 'ignored' | 'unknown-attempt' | 'forbidden' | 'invalid';

/** The answer to one sign, in the order of the request. */
export interface SignResult {
  readonly cupsid: number;
  readonly outcome: SignOutcome;
  /** What is wrong; with `invalid` only. */
  readonly reason?: string;
}

/** The latest sign of an attempt that has not ended. */
export interface KnownSign extends Omit<SignOfLife, 'at' | 'events' | 'memoryBytes' | 'diskBytes'> {
  /** When it was received; UTC. */
  readonly receivedAt: Date;
  /** How long ago that was, by the clock of the database. */
  readonly secondsAgo: number;
  /** Null where the job did not say. */
  readonly events: number | null;
  readonly memoryBytes: number | null;
  readonly diskBytes: number | null;
}

/** Reads a sign of a request; never throws: a list is everything that is wrong with it. Unknown keys are dropped. */
export function parseSign(value: unknown): SignOfLife | readonly EventComplaint[] {
  const complaints: EventComplaint[] = [];
  const fields = readFields(value, '', complaints);
  const sign: SignOfLife = {
    cupsid: fields.whole('cupsid', cupsidRange),
    start: fields.whole('start', { ...startRange, least: 0 }),
    sequence: fields.whole('sequence', naturalRange),
    at: fields.read('at', readInstant, 'a time such as 2025-04-10T12:00:00.000Z') ?? '',
    ...(fields.has('events') ? { events: fields.whole('events', naturalRange) } : {}),
    ...(fields.has('memoryBytes') ? { memoryBytes: fields.whole('memoryBytes', naturalRange) } : {}),
    ...(fields.has('diskBytes') ? { diskBytes: fields.whole('diskBytes', naturalRange) } : {}),
  };
  return complaints.length === 0 ? sign : complaints;
}
