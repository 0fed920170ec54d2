import { readWebhookAddress } from '#config/read-webhook-address.ts';
import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';

import { makeBody } from './make-body.ts';

import type { Notification } from '#model/report/alarm.ts';
import type { Webhook } from '#model/site.ts';

import type { SentTo } from './sent-to.ts';

/**
 * Posts a notification as JSON. Any answer of 200 to 299 means that it was taken; redirections are not followed. The
 * address may hold a token, so no message names it.
 */
export async function sendToWebhook(
  webhook: Webhook,
  notification: Notification,
  { site, timeoutMs }: { readonly site: string; readonly timeoutMs: number },
): Promise<SentTo> {
  try {
    const answer = await fetch(await readWebhookAddress(webhook), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `slurp-${notification.id}` },
      body: JSON.stringify(makeBody(notification, site)),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
    if (answer.ok) return { isTaken: true };
    return { isTaken: false, problem: `the webhook answered ${answer.status}` };
  } catch (error) {
    if (error instanceof SiteError) return { isTaken: false, problem: error.message };
    return { isTaken: false, problem: describeFailure(error, timeoutMs) };
  }
}

/** Messages of fetch may contain the address: only the code is used. */
function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'the webhook failed';
  if (error.name === 'TimeoutError') return `the webhook did not answer within ${timeoutMs / 1000} s`;
  const code = codeOf(error.cause);
  return `the webhook cannot be reached${code === undefined ? '' : ` (${code})`}`;
}
