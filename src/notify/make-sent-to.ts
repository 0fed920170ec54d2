import { assertPresent } from '#util/assert-present.ts';
import { shorten } from '#util/text/shorten.ts';

import type { CommandResult } from '#util/run-command.ts';

import type { SentTo } from './sent-to.ts';

/** Makes the answer of a channel that is a program: exit code 0 means taken; else how it ended, and its last line. */
export function makeSentTo(
  program: string,
  { exitCode, signal, isTimedOut, stderr }: CommandResult,
  timeoutMs: number,
): SentTo {
  if (exitCode === 0) return { isTaken: true };
  const how = isTimedOut
    ? `took longer than ${timeoutMs / 1000} s`
    : signal === null
      ? `ended with exit code ${exitCode}`
      : `was killed by ${signal}`;
  const last = assertPresent(stderr.trimEnd().split('\n').at(-1), 'a last line');
  return { isTaken: false, problem: `'${program}' ${how}${last === '' ? '' : `: ${shorten(last, 200)}`}` };
}
