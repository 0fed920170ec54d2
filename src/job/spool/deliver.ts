import { setTimeout as sleep } from 'node:timers/promises';

import { pauseMsOf } from '#util/pause-ms.ts';
import { present } from '#util/present.ts';

import { putDeliveredOffset, readDeliveredOffset } from './delivered-offset.ts';
import { kindOf, readSpool } from './read-spool.ts';
import { recordRefused } from './refused-note.ts';
import { maximalBodyBytes, sendEvents } from './send-events.ts';

import type { EventAnswer, EventFate, RegistrationAnswer } from '../ask/event-answer.ts';
import type { GatewayAccess } from '../ask/read-gateway-access.ts';
import type { SpoolRecord } from './read-spool.ts';
import type { EventsToSend, SentEvents } from './send-events.ts';
import type { SpoolHeader } from './spool.ts';

/** Bounds of one delivery: total time, retries, and which answer the caller needs. */
export interface DeliverOptions {
  /** For everything together. */
  readonly timeoutMs: number;
  /** Also this line, even if it was delivered: its answer is wanted. */
  readonly sequence?: number;
  /** Try again, with growing pauses, until the time is over; else once. */
  readonly isPersistent: boolean;
  /** Ends the waiting; the reports stay in the spool. */
  readonly signal?: AbortSignal;
  /** Called once, before the first pause, with the reason for it. */
  readonly onWait?: (reason: string) => void;
}

/** A report that the gateway did not take, and never will. */
export interface Refusal {
  /** Byte offset of its line. */
  readonly sequence: number;
  /** What was reported: `started`, `stageout`, … */
  readonly report: string;
  readonly reason: string;
}

/** The result of one delivery of a spool. Never an error: what could not be delivered waits. */
export interface Delivery {
  /**
   * `delivered`: the gateway said of every report up to the end of the spool what became of it. `away`: it does not
   * answer, or not now. `denied`: it takes nothing from this job, trying again is useless.
   */
  readonly outcome: 'delivered' | 'away' | 'denied';
  /** Why not; empty for `delivered`. */
  readonly reason: string;
  /** In the order of the spool. */
  readonly refused: readonly Refusal[];
  readonly verdict?: NonNullable<EventAnswer['verdict']>;
  readonly registered: EventAnswer['registered'];
}

const maximalEvents = 1000;
const pauses = { firstMs: 100, mostMs: 30_000 } as const;

/** What is known of the reports that are due; grows with each answer. */
interface Progress {
  readonly fates: Map<number, EventFate>;
  readonly registered: Map<number, RegistrationAnswer>;
  verdict?: NonNullable<EventAnswer['verdict']>;
}

/**
 * Reports to the gateway all that a spool holds and that was not acknowledged yet.
 *
 * Safe to be done by several processes at once and again after any crash: the key of an event makes the second sending
 * harmless. A report counts as delivered only if the answer names its key. A single one that is too long for a request,
 * or that the gateway refuses, is passed over: it comes home with the spool.
 * @throws the error of `node:fs` if the spool cannot be read
 */
export async function deliver(access: GatewayAccess, spool: string, options: DeliverOptions): Promise<Delivery> {
  const deadline = Date.now() + options.timeoutMs;
  const from = readDeliveredOffset(spool);
  const { header, records, end } = readSpool(spool, Math.min(from, options.sequence ?? from));
  if (header === undefined) {
    return { outcome: 'denied', reason: 'the spool has no header', refused: [], registered: new Map() };
  }
  const due = records.filter(({ sequence }) => sequence >= from || sequence === options.sequence);
  const progress: Progress = { fates: new Map(), registered: new Map() };
  let failure: Pick<Delivery, 'outcome' | 'reason'> | undefined;
  let failures = 0;
  const queue = splitRecords(due, maximalEvents);
  for (let batch = queue.shift(); batch !== undefined && failure === undefined; batch = queue.shift()) {
    const sent = await sendEvents(access, eventsOf(header, batch), deadline - Date.now(), options.signal);
    const open = recordOutcome(progress, batch, sent);
    const waiting = due.find(({ sequence }) => !progress.fates.has(sequence));
    if (waiting !== due[0]) putDeliveredOffset(spool, waiting?.sequence ?? end);
    if (open.length === 0) continue;
    if (sent.kind === 'refused') {
      queue.unshift(...splitRecords(open, Math.ceil(open.length / 2)));
      continue;
    }
    queue.unshift(open);
    const reason =
      sent.kind === 'answered' ? `the answer leaves out ${open.length} of ${batch.length} reports` : sent.reason;
    failures += 1;
    const waitMs = pauseMsOf(failures, pauses);
    if (sent.kind === 'denied') failure = { outcome: 'denied', reason };
    else if (!options.isPersistent || options.signal?.aborted === true || Date.now() + waitMs >= deadline)
      failure = { outcome: 'away', reason };
    else {
      if (failures === 1) options.onWait?.(reason);
      await sleep(waitMs, undefined, options).catch(() => undefined);
      // A busy machine may sleep for longer; the reason is that of the last try, not that no time was left for another.
      if (Date.now() >= deadline) failure = { outcome: 'away', reason };
    }
  }
  const { fates, registered, verdict } = progress;
  const refused = due.flatMap((record) => refusalOf(record, fates.get(record.sequence)));
  if (refused.length > 0) recordRefused(spool);
  return {
    ...(failure ?? { outcome: 'delivered', reason: '' }),
    ...{ refused, registered },
    ...present({ verdict }),
  };
}

/** Adds what came of a batch to what is known. @returns the reports of the batch of which nothing is known yet */
function recordOutcome(progress: Progress, batch: readonly SpoolRecord[], sent: SentEvents): SpoolRecord[] {
  const [first] = batch;
  if (sent.kind === 'answered') {
    const { fates, registered, verdict } = sent.answer;
    for (const { sequence } of batch) {
      const [fate, fact] = [fates.get(sequence), registered.get(sequence)];
      if (fate !== undefined) progress.fates.set(sequence, fate);
      if (fact !== undefined) progress.registered.set(sequence, fact);
    }
    const started = batch.some((one) => kindOf(one) === 'started' && fates.get(one.sequence)?.kind === 'recorded');
    if (verdict !== undefined && started) progress.verdict = verdict;
  } else if (sent.kind === 'refused' && batch.length === 1 && first !== undefined) {
    progress.fates.set(first.sequence, { kind: 'refused', reason: sent.reason });
  }
  return batch.filter(({ sequence }) => !progress.fates.has(sequence));
}

/** Reports what was refused, for a log. */
export function renderRefusal({ report, reason }: Refusal): string {
  return `the gateway refused the report '${report}': ${reason}`;
}

function refusalOf(record: SpoolRecord, fate: EventFate | undefined): readonly Refusal[] {
  if (fate?.kind !== 'refused') return [];
  return [{ sequence: record.sequence, report: kindOf(record) ?? 'unknown', reason: fate.reason }];
}

/** Cuts records into batches below the limits; a single one may be above. */
function splitRecords(records: readonly SpoolRecord[], atMost: number): SpoolRecord[][] {
  const batches: SpoolRecord[][] = [];
  let sizeBytes = 0;
  for (const record of records) {
    const batch = batches[batches.length - 1];
    // What a line gains on its way (source, sequence) is below 100 bytes.
    const grownBytes = record.sizeBytes + 100;
    if (batch === undefined || batch.length >= atMost || sizeBytes + grownBytes > maximalBodyBytes) {
      batches.push([record]);
      sizeBytes = grownBytes;
    } else {
      batch.push(record);
      sizeBytes += grownBytes;
    }
  }
  return batches;
}

function eventsOf({ source, cupsid }: SpoolHeader, batch: readonly SpoolRecord[]): EventsToSend {
  return {
    source,
    cupsid,
    events: batch.map(({ sequence, value }) => {
      const { v: _, ...event } = value;
      return { ...event, sequence };
    }),
  };
}
