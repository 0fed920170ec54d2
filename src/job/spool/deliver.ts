import { askGateway, type GatewayAnswer } from '../ask-gateway.ts';
import { putDeliveredOffset, readDeliveredOffset } from './delivered-offset.ts';
import { explainRefusal, parseEventAnswer, type EventAnswer } from '../event-answer.ts';
import type { GatewayAccess } from '../read-gateway-access.ts';
import { readSpool, type SpoolRecord } from './read-spool.ts';
import { noteRefused } from './refused-note.ts';
import type { SpoolHeader } from './spool.ts';

/** How to deliver. */
export interface DeliverOptions {
  /** For everything together. */
  readonly timeoutMs: number;
  /** Also this line, even if it was delivered: its answer is wanted. */
  readonly sequence?: number;
  /** Try again, with growing pauses, until the time is over; else once. */
  readonly isPersistent: boolean;
}

/** How a delivery went. */
export interface Delivery {
  /**
   * `delivered`: everything up to the end of the spool was acknowledged. `away`: the gateway does not answer, or not
   * now. `refused`: it does not take this job's reports, trying again is useless.
   */
  readonly outcome: 'delivered' | 'away' | 'refused';
  /** Why not, in words; also what single events were not taken for. */
  readonly reasons: readonly string[];
  readonly verdict?: NonNullable<EventAnswer['verdict']>;
  readonly registered: EventAnswer['registered'];
}

/** The gateway takes 1 MiB and 1,000 events at once. */
const maximalBodyBytes = 1_000_000;
const maximalEvents = 1000;
const firstPauseMs = 100;

/**
 * Tells the gateway all that a spool holds and that it did not acknowledge yet.
 *
 * Safe to be done by several processes at once and again after any crash: the key of an event makes the second telling
 * harmless. A single event that is too long for a request, or that the gateway cannot read, is passed over: it comes
 * home with the spool.
 * @throws the error of `node:fs` if the spool cannot be read
 */
export async function deliver(access: GatewayAccess, spool: string, options: DeliverOptions): Promise<Delivery> {
  const deadline = Date.now() + options.timeoutMs;
  const from = readDeliveredOffset(spool);
  const { header, records, end } = readSpool(spool, Math.min(from, options.sequence ?? from));
  if (header === undefined) return { outcome: 'refused', reasons: ['the spool has no header'], registered: new Map() };
  const due = records.filter(({ sequence }) => sequence >= from || sequence === options.sequence);

  const reasons: string[] = [];
  const registered = new Map<number, { isRegistered: boolean; reason?: string }>();
  let verdict: EventAnswer['verdict'];
  let passedOver = 0;
  const queue = cut(due, maximalEvents);
  for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
    const [first] = batch;
    if (first === undefined) continue;
    const body = bodyOf(header, batch);
    const isTooLong = Buffer.byteLength(body) > maximalBodyBytes;
    const answer = isTooLong ? tooLong : await askPatiently(access, body, deadline, options.isPersistent);
    if (answer.kind === 'silence') return { outcome: 'away', reasons: [answer.reason], registered, ...told(verdict) };
    if (answer.status === 200) {
      const said = parseEventAnswer(answer.body, header.attempt, header.source);
      verdict = said.verdict ?? verdict;
      for (const [sequence, fact] of said.registered) registered.set(sequence, fact);
      for (const word of said.untaken) reasons.push(`the gateway does not take a report, the spool keeps it: ${word}`);
      if (said.untaken.length > 0) noteRefused(spool);
    } else if (answer.status === 400 || answer.status === 413) {
      if (batch.length > 1) {
        queue.unshift(...cut(batch, Math.ceil(batch.length / 2)));
        continue;
      }
      passedOver += 1;
      noteRefused(spool);
      reasons.push(`the report at byte ${first.sequence} was not taken: ${explainRefusal(answer.status, answer.body)}`);
    } else {
      const isAway = answer.status >= 500 || answer.status === 429;
      reasons.push(explainRefusal(answer.status, answer.body));
      return { outcome: isAway ? 'away' : 'refused', reasons, registered, ...told(verdict) };
    }
    const last = batch[batch.length - 1];
    if (last !== undefined) putDeliveredOffset(spool, last.sequence + last.sizeBytes);
  }
  if (due.length > 0) putDeliveredOffset(spool, end);
  return { outcome: passedOver === 0 ? 'delivered' : 'refused', reasons, registered, ...told(verdict) };
}

const tooLong: GatewayAnswer = { kind: 'answer', status: 413, body: { detail: 'it is too long for one request' } };

function told(verdict: EventAnswer['verdict']): { verdict?: NonNullable<EventAnswer['verdict']> } {
  return verdict === undefined ? {} : { verdict };
}

/** Cuts records into batches below the limits; a single one may be above. */
function cut(records: readonly SpoolRecord[], atMost: number): SpoolRecord[][] {
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

function bodyOf({ source }: SpoolHeader, batch: readonly SpoolRecord[]): string {
  const events = batch.map(({ sequence, value }) => {
    const { v: _, ...event } = value;
    return { ...event, source, sequence };
  });
  return JSON.stringify({ events });
}

async function askPatiently(
  access: GatewayAccess,
  body: string,
  deadline: number,
  isPersistent: boolean,
): Promise<GatewayAnswer> {
  for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) return { kind: 'silence', reason: 'no answer in time' };
    const answer = await askGateway(access, '/v1/events', body, leftMs);
    const isAway = answer.kind === 'silence' || answer.status >= 500 || answer.status === 429;
    const waitMs = pauseMs * (0.5 + Math.random());
    if (!isAway || !isPersistent || Date.now() + waitMs >= deadline) return answer;
    await new Promise((resolve) => {
      setTimeout(resolve, waitMs);
    });
  }
}
