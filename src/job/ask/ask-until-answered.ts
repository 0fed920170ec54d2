import { setTimeout as sleep } from 'node:timers/promises';

import { pauseMsOf } from '#util/pause-ms.ts';

import { askGateway } from './ask-gateway.ts';

import type { Say } from '#model/log.ts';

import type { GatewayAccess } from './read-gateway-access.ts';

/** What became of a question to the gateway. */
export type Asked<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /** Asking again is useless. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** No answer in time. */
  | { readonly kind: 'away'; readonly reason: string };

const pauses = { firstMs: 250, mostMs: 30_000 } as const;
/** JSON of whatever stands between, or the answer to another question. */
export const notTheAnswer = 'its answer does not match this request';

/**
 * Asks the gateway something that a job cannot go on without, and waits for it with growing pauses.
 *
 * @param body sent with POST; GET where absent
 * @param parse reads the answer; undefined: it is none, ask again
 * @param options `timeoutMs` for everything together; `signal` ends the waiting; `say` gets one line where there is
 * something to wait for
 */
export async function askUntilAnswered<T>(
  access: GatewayAccess,
  { path, body }: { readonly path: string; readonly body?: string },
  parse: (body: unknown) => T | undefined,
  { timeoutMs, signal, say }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly say: Say },
): Promise<Asked<T>> {
  const deadline = Date.now() + timeoutMs;
  for (let failures = 1; ; failures += 1) {
    const leftMs = Math.max(deadline - Date.now(), 1);
    const answer = await askGateway(access, path, body, leftMs, signal);
    if (answer.kind === 'refusal') return { kind: 'refused', status: answer.status, reason: answer.reason };
    const value = answer.kind === 'answer' ? parse(answer.body) : undefined;
    if (value !== undefined) return { kind: 'answered', value };
    const reason = answer.kind === 'answer' ? notTheAnswer : answer.reason;
    const waitMs = pauseMsOf(failures, pauses);
    if (signal.aborted || Date.now() + waitMs >= deadline) return { kind: 'away', reason };
    if (failures === 1) say(`waiting for the gateway (${reason}), up to ${timeoutMs / 1000} s`);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}
