import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEventDetail } from '#model/job/job-event.ts';
import { spoolFileName } from '#model/job/job-file.ts';
import { askGateway } from '../ask-gateway.ts';
import { deliver, type DeliverOptions, type Delivery } from './deliver.ts';
import { explainRefusal, parseEventAnswer } from '../event-answer.ts';
import type { JobIdentity } from '../identity.ts';
import type { GatewayAccess } from '../read-gateway-access.ts';
import { kindOf, readSpool } from './read-spool.ts';
import { appendToSpool, type SpoolLine } from './spool.ts';

/** A report that was told. */
export interface Told {
  readonly delivery: Delivery;
  /** Where it stands in the spool; absent if the spool could not be written. */
  readonly line?: SpoolLine;
}

/**
 * Tells one thing about the job: first to the spool, then, with all that waits there, to the gateway.
 *
 * @param access absent: the job does not know its gateway, so the report stays in the spool
 * @param at UTC, ISO 8601 with milliseconds
 * @throws the error of `node:fs` only if neither spool (no space) nor gateway takes the report
 */
export async function tell(
  identity: JobIdentity,
  access: GatewayAccess | undefined,
  at: string,
  detail: JobEventDetail,
  options: Omit<DeliverOptions, 'sequence'>,
): Promise<Told> {
  let line: SpoolLine;
  try {
    line = appendToSpool(identity, at, detail);
  } catch (error) {
    const delivery = await tellWithoutSpool(identity, access, at, detail, options.timeoutMs);
    if (delivery.outcome !== 'delivered') throw error;
    return { delivery };
  }
  if (access === undefined) {
    return { line, delivery: { outcome: 'away', reasons: ['the gateway is not known'], registered: new Map() } };
  }
  return { line, delivery: await deliver(access, line.path, { ...options, sequence: line.sequence }) };
}

/**
 * Asks whether the attempt may go on, by telling once more that it started, which counts once.
 *
 * @returns undefined if the gateway does not answer in time
 */
export async function askVerdict(
  identity: JobIdentity,
  access: GatewayAccess,
  options: Omit<DeliverOptions, 'sequence'>,
): Promise<Delivery['verdict']> {
  const spool = join(identity.directory, spoolFileName(identity.attempt, identity.start));
  const records = existsSync(spool) ? readSpool(spool).records : [];
  const started = records.find((record) => kindOf(record) === 'started');
  if (started !== undefined) {
    return (await deliver(access, spool, { ...options, sequence: started.sequence })).verdict;
  }
  const at = new Date().toISOString();
  return (await tell(identity, access, at, { kind: 'started', node: identity.node }, options)).delivery.verdict;
}

/** A full disk must not silence a job that still has a network: the report is its own source. */
async function tellWithoutSpool(
  { attempt, start }: JobIdentity,
  access: GatewayAccess | undefined,
  at: string,
  detail: JobEventDetail,
  timeoutMs: number,
): Promise<Delivery> {
  const nothing = { registered: new Map() };
  if (access === undefined) return { outcome: 'away', reasons: [], ...nothing };
  const source = crypto.randomUUID();
  const body = JSON.stringify({ events: [{ attempt, source, sequence: 0, start, at, detail }] });
  const answer = await askGateway(access, '/v1/events', body, timeoutMs);
  if (answer.kind === 'silence') return { outcome: 'away', reasons: [answer.reason], ...nothing };
  if (answer.status !== 200) {
    return { outcome: 'refused', reasons: [explainRefusal(answer.status, answer.body)], ...nothing };
  }
  const { verdict, registered } = parseEventAnswer(answer.body, attempt, source);
  return { outcome: 'delivered', reasons: [], registered, ...(verdict === undefined ? {} : { verdict }) };
}
