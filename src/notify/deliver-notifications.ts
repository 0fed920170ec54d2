import { claimNotification, markNotification } from '#db/status/alarm/notifications.ts';
import { pauseMsOf } from '#util/pause-ms.ts';
import { present } from '#util/present.ts';

import { sendMail } from './send-mail.ts';
import { sendToCommand } from './send-to-command.ts';
import { sendToWebhook } from './send-to-webhook.ts';

import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { Notification } from '#model/report/alarm.ts';
import type { Site } from '#model/site.ts';

import type { SentTo } from './sent-to.ts';

/** What delivering works with; times are in ms. */
export interface DeliverInput {
  readonly site: Pick<Site, 'notify' | 'file' | 'stateDirectory'>;
  readonly status: Database;
  readonly log: Log;
  /** A channel that takes longer has failed; 20 s by default. */
  readonly timeoutMs?: number;
  /** The pause after the first failure, which doubles up to an hour; 30 s by default. */
  readonly firstPauseMs?: number;
  /** No further notification is begun. */
  readonly stop?: AbortSignal;
}

const mostPauseMs = 3_600_000;

/**
 * Delivers the notifications that are due to all channels of the site. One that a channel refuses is tried again, there
 * alone, until it is taken; others do not wait for it. Several at once are safe. A sender that dies after a channel took a
 * notification and before that is recorded makes it come twice, under the same id.
 *
 * @returns how many were delivered
 * @throws DatabaseError
 * @see docs/alarms.md
 */
export async function deliverNotifications(input: DeliverInput): Promise<number> {
  const { status, log, timeoutMs = 20_000, firstPauseMs = 30_000 } = input;
  const channels = makeChannels(input.site, timeoutMs);
  let delivered = 0;
  while (input.stop?.aborted !== true) {
    // A channel may need its time, a second to end, and the database its own.
    const notification = await claimNotification(status, 2 * timeoutMs + 10_000);
    if (notification === undefined) return delivered;
    const { id, word, cause } = notification;
    const results = await Promise.all(
      channels
        .filter(({ name }) => !notification.deliveredTo.includes(name))
        .map(async ({ name, send }) => ({ name, result: await send(notification) })),
    );
    const taken = results.filter(({ result }) => result.isTaken).map(({ name }) => name);
    const problem = results.flatMap(({ result }) => (result.isTaken ? [] : [result.problem]))[0];
    const pauseMs = pauseMsOf(notification.failures + 1, { firstMs: firstPauseMs, mostMs: mostPauseMs });
    await markNotification(status, id, {
      deliveredTo: [...notification.deliveredTo, ...taken],
      ...present({ problem }),
      pauseMs,
    });
    if (problem === undefined) delivered += 1;
    if (problem === undefined) log.info({ id, word, cause, channels: taken }, 'notification delivered');
    else log.warn({ id, word, cause, problem }, 'notification not delivered; it is tried again');
  }
  return delivered;
}

interface Channel {
  readonly name: string;
  readonly send: (notification: Notification) => Promise<SentTo>;
}

/** A site without `notify:` has none: then alarms are shown, and nothing waits in the outbox. */
function makeChannels({ notify, file, stateDirectory }: DeliverInput['site'], timeoutMs: number): readonly Channel[] {
  const { command, webhook, mail } = notify;
  const terms = { site: file ?? stateDirectory, timeoutMs };
  return [
    ...(command === undefined
      ? []
      : [{ name: 'command', send: (one: Notification) => sendToCommand(command, one, terms) }]),
    ...(webhook === undefined
      ? []
      : [{ name: 'webhook', send: (one: Notification) => sendToWebhook(webhook, one, terms) }]),
    ...(mail === undefined ? [] : [{ name: 'mail', send: (one: Notification) => sendMail(mail, one, terms) }]),
  ];
}
