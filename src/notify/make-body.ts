import type { Notification } from '#model/report/alarm.ts';

/** What commands and webhooks get, as JSON. `text` is what chat services show. */
export interface NotificationBody extends Pick<Notification, 'id' | 'word' | 'cause' | 'what' | 'advice' | 'at'> {
  readonly rule: string | null;
  /** Path of the site file, or of the directory of a site without one. */
  readonly site: string;
  readonly text: string;
}

/** Makes the body of a notification. */
export function makeBody(notification: Notification, site: string): NotificationBody {
  const { id, word, cause, rule = null, what, advice, at } = notification;
  const text = word === 'cleared' ? `Over: ${what}` : `${what}. ${advice}`;
  return { id, word, cause, rule, what, advice, at, site, text };
}
