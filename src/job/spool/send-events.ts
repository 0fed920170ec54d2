import { askGateway } from '../ask/ask-gateway.ts';
import { parseEventAnswer } from '../ask/event-answer.ts';

import type { EventAnswer } from '../ask/event-answer.ts';
import type { GatewayAccess } from '../ask/read-gateway-access.ts';

/** Events of one source, as they are sent. */
export interface EventsToSend {
  readonly cupsid: number;
  readonly source: string;
  /** All but the source; what is in them is for the gateway to check. */
  readonly events: readonly (Readonly<Record<string, unknown>> & { readonly sequence: number })[];
}

/**
 * How one request went. `answered`: the gateway says what became of some events, and is not sure to name all. `refused`:
 * it takes none of them in this request, but may take each alone (too long, or one of them spoils the rest). `away`: it
 * does not answer now. `denied`: it takes nothing from this job, e.g. because of its token.
 */
export type SentEvents =
  | { readonly kind: 'answered'; readonly answer: EventAnswer }
  | { readonly kind: 'refused' | 'away' | 'denied'; readonly reason: string };

/** The gateway takes 1 MiB at once. */
export const maximalBodyBytes = 1_000_000;

/** Sends events in one request. Never throws. @param timeoutMs for everything together @param signal ends the request */
export async function sendEvents(
  access: GatewayAccess,
  { cupsid, source, events }: EventsToSend,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<SentEvents> {
  const body = JSON.stringify({ events: events.map((event) => ({ ...event, source })) });
  const sizeBytes = Buffer.byteLength(body);
  if (sizeBytes > maximalBodyBytes) {
    return { kind: 'refused', reason: `it has ${sizeBytes} bytes: expected ${maximalBodyBytes} at most` };
  }
  if (timeoutMs <= 0) return { kind: 'away', reason: 'no answer in time' };
  const answered = await askGateway(access, '/v1/events', body, timeoutMs, signal);
  if (answered.kind === 'silence') return { kind: 'away', reason: answered.reason };
  const answer = parseEventAnswer(answered.body, cupsid, source);
  if (answer.fates.size > 0) return { kind: 'answered', answer };
  if (answered.kind === 'answer') {
    return { kind: 'away', reason: 'the answer (status 200) does not acknowledge any report of this job' };
  }
  const { status, reason } = answered;
  return { kind: status === 400 || status === 413 ? 'refused' : 'denied', reason };
}
