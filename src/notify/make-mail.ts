import { shorten } from '#util/text/shorten.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { Notification } from '#model/report/alarm.ts';
import type { MailSettings } from '#model/site.ts';

const encodedBytes = 45;

/**
 * Makes a mail for `sendmail -t`. What goes into a header is one line of ASCII, so nothing in a notification can add a
 * header or a recipient.
 */
export function makeMail(
  { to, from }: Pick<MailSettings, 'to' | 'from'>,
  notification: Notification,
  site: string,
): string {
  const { id, word, cause, what, advice, at } = notification;
  const isOver = word === 'cleared';
  const headers = [
    `To: ${to.join(', ')}`,
    ...(from === undefined ? [] : [`From: ${from}`]),
    `Subject: ${encodeHeader(`[slurp] ${isOver ? 'Over: ' : ''}${what}`)}`,
    `X-Slurp-Notification: ${id}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ];
  const lines = [
    what,
    ...(isOver ? ['This is over.'] : ['', advice]),
    '',
    `Cause: ${cause}`,
    `Since: ${at}`,
    `Site: ${site}`,
  ];
  const body = Buffer.from(`${lines.join('\n')}\n`, 'utf8').toString('base64');
  return `${headers.join('\n')}\n\n${body.replaceAll(/.{1,76}/gu, '$&\n')}`;
}

/** Encodes a line by RFC 2047 unless it is printable ASCII. */
function encodeHeader(text: string): string {
  const line = shorten(withoutControls(text), 160);
  if (/^[\x20-\x7e]*$/u.test(line) && !line.includes('=?')) return line;
  const words: string[] = [];
  let word = '';
  for (const letter of line) {
    if (Buffer.byteLength(word + letter) > encodedBytes) {
      words.push(word);
      word = '';
    }
    word += letter;
  }
  return [...words, word].map((part) => `=?UTF-8?B?${Buffer.from(part, 'utf8').toString('base64')}?=`).join('\n ');
}
