import { eventOf } from '#test/ingest/attempts.ts';

import type { JobEvent } from '#model/job/job-event.ts';

/** What a client process measured. */
export interface ClientFigures {
  /** Requests that were answered with 200. */
  readonly answered: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Requests that were answered otherwise. */
  readonly failures: number;
  readonly cpuMs: number;
}

const details = [
  { kind: 'started', node: 'node1' },
  { kind: 'running' },
  { kind: 'nevents', nevents: 100, isIncrement: true },
  { kind: 'message', text: 'all well', flag: 1 },
] as const;

/** Makes the event that a source reports now as its `sequence`th, from 0. */
export function makeEvent(cupsid: number, sequence: number, source: string): JobEvent {
  const detail = details[sequence % details.length] ?? details[1];
  return eventOf(cupsid, sequence, detail, { source, at: new Date().toISOString() });
}
