import { present } from '#util/present.ts';

import { commandNameOf, readSuccessExitCode } from '../job-ends.ts';

import type { JobEnds } from '../job-ends.ts';

type Commands = Readonly<Record<string, string>>;

/**
 * Finds out whether HTCondor may start jobs again that have ended, and which exit code is a success. Measured with
 * `condor_submit -dry-run` of 23.9: `max_retries`, `retry_until` and `success_exit_code` each turn retries on (with 2
 * where `max_retries` is not given); an attribute `+OnExitRemove` replaces what the commands say, `+JobMaxRetries` alone
 * does nothing.
 *
 * A value that is not a plain one (an expression, a macro that the rows fill differently) may come out either way: then
 * jobs may start again.
 *
 * @param commands finished submit commands of a rule's job; those of the site take their place
 */
export function findEnds(commands: Commands, siteCommands: Commands): JobEnds {
  const merged = joinCommands(commands, siteCommands);
  const successExitCode = readSuccessExitCode(merged);
  return {
    canRestart: isSentBack(merged) || isHeldAtEnd(merged),
    ...present({ successExitCode }),
  };
}

function joinCommands(...layers: readonly Commands[]): Commands {
  return Object.fromEntries(
    layers.flatMap((layer) => Object.entries(layer).map(([key, value]) => [commandNameOf(key), value.trim()])),
  );
}

function isSentBack(commands: Commands): boolean {
  const attribute = valueOf(commands, '+onexitremove');
  if (attribute !== undefined) return !isTrue(attribute);
  const remove = valueOf(commands, 'on_exit_remove', 'onexitremove');
  const retries = valueOf(commands, 'max_retries', 'jobmaxretries');
  const until = valueOf(commands, 'retry_until');
  const success = valueOf(commands, 'success_exit_code', 'jobsuccessexitcode');
  if (retries === undefined && until === undefined && success === undefined) {
    return remove !== undefined && !isTrue(remove);
  }
  // HTCondor joins all of them with `or`.
  return !(retries === '0' || isTrue(until) || isTrue(remove));
}

function isHeldAtEnd(commands: Commands): boolean {
  const hold = valueOf(commands, '+onexithold', 'on_exit_hold', 'onexithold');
  return hold !== undefined && !/^\(*\s*(?:false|0)\s*\)*$/iu.test(hold);
}

/** The first of some spellings that is there and says something. */
function valueOf(commands: Commands, ...names: readonly string[]): string | undefined {
  return names.map((name) => commands[name]).find((value) => value !== undefined && value !== '');
}

/** A bare number in `retry_until` is an exit code; elsewhere 1 is true. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^\(*\s*true\s*\)*$/iu.test(text);
}
