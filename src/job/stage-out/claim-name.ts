import { present } from '#util/present.ts';

import { askGateway } from '../ask/ask-gateway.ts';
import { askUntilAnswered, notTheAnswer } from '../ask/ask-until-answered.ts';

import type { NameAnswer, NameQuestion } from '#model/job/name-question.ts';
import type { Say } from '#model/log.ts';

import type { Asked } from '../ask/ask-until-answered.ts';
import type { GatewayAccess } from '../ask/read-gateway-access.ts';

/**
 * Asks the gateway whether this attempt may give its file a name. Where a file would be replaced, the answer is waited
 * for as long as for inputs; else it is asked once, and a job without an answer goes on: nothing can be overwritten, and
 * the name is checked again when the file is registered.
 *
 * Never throws.
 */
export async function claimName(
  access: GatewayAccess,
  cupsid: number,
  question: NameQuestion,
  { signal, say }: { readonly signal: AbortSignal; readonly say: Say },
): Promise<Asked<NameAnswer>> {
  const path = `/v1/attempts/${cupsid}/claim`;
  const body = JSON.stringify(question);
  const parse = (answer: unknown): NameAnswer | undefined => parseAnswer(answer, cupsid);
  const { inputsTimeoutMs, reportTimeoutMs } = access.job;
  if (question.isTaken) {
    return askUntilAnswered(access, { path, body }, parse, { timeoutMs: inputsTimeoutMs, signal, say });
  }
  const answer = await askGateway(access, path, body, reportTimeoutMs);
  if (answer.kind === 'refusal') return { kind: 'refused', status: answer.status, reason: answer.reason };
  const value = answer.kind === 'answer' ? parse(answer.body) : undefined;
  if (value !== undefined) return { kind: 'answered', value };
  return { kind: 'away', reason: answer.kind === 'answer' ? notTheAnswer : answer.reason };
}

function parseAnswer(body: unknown, cupsid: number): NameAnswer | undefined {
  if (typeof body !== 'object' || body === null || !('cupsid' in body) || body.cupsid !== cupsid) return undefined;
  if (!('isGranted' in body) || typeof body.isGranted !== 'boolean') return undefined;
  const reason = 'reason' in body && typeof body.reason === 'string' ? body.reason : undefined;
  return { cupsid, isGranted: body.isGranted, ...present({ reason }) };
}
