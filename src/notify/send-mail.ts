import { describeError } from '#util/describe-error.ts';
import { runCommand } from '#util/run-command.ts';

import { makeMail } from './make-mail.ts';
import { makeSentTo } from './make-sent-to.ts';

import type { Notification } from '#model/report/alarm.ts';
import type { MailSettings } from '#model/site.ts';

import type { SentTo } from './sent-to.ts';

/** Hands a notification to the mailer of this machine, `sendmail -t`: what happens to it then is the mailer's business. */
export async function sendMail(
  mail: MailSettings,
  notification: Notification,
  { site, timeoutMs }: { readonly site: string; readonly timeoutMs: number },
): Promise<SentTo> {
  try {
    // -i: a line with a dot alone does not end the mail.
    const result = await runCommand(mail.program, ['-i', '-t'], {
      input: makeMail(mail, notification, site),
      timeoutMs,
    });
    return makeSentTo(mail.program, result, timeoutMs);
  } catch (error) {
    return { isTaken: false, problem: `'${mail.program}' cannot be started: ${describeError(error, mail.program)}` };
  }
}
