import { present } from '#util/present.ts';

import { checkReport } from '../check-report.ts';
import { deliver } from './deliver.ts';
import { sendEvents } from './send-events.ts';
import { appendToSpool } from './spool.ts';

import type { JobEventDetail } from '#model/job/job-event.ts';

import type { RegistrationAnswer } from '../ask/event-answer.ts';
import type { GatewayAccess } from '../ask/read-gateway-access.ts';
import type { JobIdentity } from '../identity.ts';
import type { DeliverOptions, Delivery } from './deliver.ts';
import type { SpoolLine } from './spool.ts';

/** A report that was made, and what became of it as far as it is known. */
export interface ReportOutcome {
  readonly delivery: Delivery;
  /** Where it stands in the spool; absent if the spool could not be written. */
  readonly line?: SpoolLine;
  /** Why the gateway did not take this report, and never will; absent where it did, or did not answer. */
  readonly refusal?: string;
  /** Whether a stage-out is in the catalog; absent for other reports, and where the gateway did not say. */
  readonly registration?: RegistrationAnswer;
}

/**
 * Makes a report: first to the spool, then, with all that waits there, to the gateway.
 *
 * @param access absent: the job does not know its gateway, so the report stays in the spool
 * @param at UTC, ISO 8601 with milliseconds
 * @throws UsageError if the gateway would refuse it, before anything is written; the error of `node:fs` only if neither
 *   spool (no space) nor gateway takes the report
 */
export async function reportEvent(
  identity: JobIdentity,
  access: GatewayAccess | undefined,
  at: string,
  report: JobEventDetail,
  options: Omit<DeliverOptions, 'sequence'>,
): Promise<ReportOutcome> {
  const detail = checkReport(identity, at, report);
  let line: SpoolLine;
  try {
    line = appendToSpool(identity, at, detail);
  } catch (error) {
    const delivery = await reportWithoutSpool(identity, access, at, detail, options.timeoutMs);
    if (delivery.outcome !== 'delivered') throw error;
    return { delivery, ...outcomeOf(delivery, 0) };
  }
  if (access === undefined) {
    const delivery: Delivery = {
      outcome: 'away',
      reason: 'the gateway is not known',
      refused: [],
      registered: new Map(),
    };
    return { line, delivery };
  }
  const delivery = await deliver(access, line.path, { ...options, sequence: line.sequence });
  return { line, delivery, ...outcomeOf(delivery, line.sequence) };
}

function outcomeOf(
  { refused, registered }: Delivery,
  sequence: number,
): Pick<ReportOutcome, 'refusal' | 'registration'> {
  const refusal = refused.find((one) => one.sequence === sequence)?.reason;
  const registration = registered.get(sequence);
  return present({ refusal, registration });
}

/** A full disk must not silence a job that still has a network: the report is its own source. */
async function reportWithoutSpool(
  { cupsid, start }: JobIdentity,
  access: GatewayAccess | undefined,
  at: string,
  detail: JobEventDetail,
  timeoutMs: number,
): Promise<Delivery> {
  const nothing = { refused: [], registered: new Map() };
  if (access === undefined) return { outcome: 'away', reason: 'the gateway is not known', ...nothing };
  const event = { sequence: 0, cupsid, start, at, detail };
  const sent = await sendEvents(access, { cupsid, source: crypto.randomUUID(), events: [event] }, timeoutMs);
  const refusal = (reason: string): Delivery => ({
    ...{ outcome: 'delivered', reason: '', registered: new Map() },
    refused: [{ sequence: 0, report: detail.kind, reason }],
  });
  if (sent.kind === 'refused') return refusal(sent.reason);
  if (sent.kind !== 'answered') return { outcome: sent.kind, reason: sent.reason, ...nothing };
  const { fates, registered, verdict } = sent.answer;
  const fate = fates.get(0);
  if (fate === undefined) return { outcome: 'away', reason: 'the answer leaves out the report', ...nothing };
  if (fate.kind === 'refused') return refusal(fate.reason);
  return { outcome: 'delivered', reason: '', refused: [], registered, ...present({ verdict }) };
}
