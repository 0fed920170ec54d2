import { makeNotifyEnvironment } from '#config/make-notify-environment.ts';
import { describeError } from '#util/describe-error.ts';
import { runCommand } from '#util/run-command.ts';

import { makeBody } from './make-body.ts';
import { makeSentTo } from './make-sent-to.ts';

import type { Notification } from '#model/report/alarm.ts';

import type { SentTo } from './sent-to.ts';

/**
 * Runs a command for a notification, without a shell: JSON on its standard input, the facts in its environment. Exit code 0
 * means that it has taken it.
 *
 * @param command the program and its arguments
 */
export async function sendToCommand(
  command: readonly string[],
  notification: Notification,
  { site, timeoutMs }: { readonly site: string; readonly timeoutMs: number },
): Promise<SentTo> {
  const [program = '', ...args] = command;
  try {
    const result = await runCommand(program, args, {
      env: makeNotifyEnvironment(notification, site),
      input: `${JSON.stringify(makeBody(notification, site))}\n`,
      timeoutMs,
    });
    return makeSentTo(program, result, timeoutMs);
  } catch (error) {
    return { isTaken: false, problem: `'${program}' cannot be started: ${describeError(error, program)}` };
  }
}
