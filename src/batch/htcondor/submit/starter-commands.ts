import { present } from '#util/present.ts';

import { bringSpoolsScript } from '../../bring-spools.ts';
import { keepLogsScript } from '../../keep-logs.ts';

/** What the starter runs before and after a job, of the rule or the site; by the names of their attributes. */
export interface StarterCommands {
  /** `+PreCmd` or `+PostCmd` is there. */
  readonly isAny: boolean;
  readonly post?: string;
  readonly postArguments?: string;
}

/** Finds the commands for the starter among the names of a job's commands. */
export function findStarterCommands(names: readonly string[]): StarterCommands {
  const find = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  const post = find(/^\+postcmd$/iu);
  const postArguments = find(/^\+postarg(?:ument)?s$/iu);
  return {
    isAny: post !== undefined || find(/^\+precmd$/iu) !== undefined,
    ...(post === undefined ? {} : { post, ...present({ postArguments }) }),
  };
}

/**
 * Makes the attributes by which the starter looks after the logs and the spool of a job. It runs the commands in the job's
 * directory, at whatever end: also when the job was put on hold, removed, or killed. HTCondor 23.9 writes standard output
 * over a file of that name; whatever a command ends with, the job's exit code stays.
 *
 * A `+PostCmd` of the rule's own runs behind ours, with its own arguments and environment; logs are left alone then.
 *
 * @param keepsLogs whether the job's logs are to be kept; not where {@link StarterCommands.isAny}
 * @param spoolDirectory absolute path of where spools come home
 */
export function makeStarterCommands(
  commands: StarterCommands,
  keepsLogs: boolean,
  spoolDirectory: string,
): readonly (readonly [key: string, value: string])[] {
  const directory = quoteWord(spoolDirectory);
  if (commands.post === undefined) {
    return [
      ...(keepsLogs ? commandOf('Pre', keepLogsScript, '') : []),
      ...commandOf('Post', keepsLogs ? `${bringSpoolsScript}; ${keepLogsScript}` : bringSpoolsScript, ` ${directory}`),
    ];
  }
  const words = quoteAttribute(`${splitShellWords(`${bringSpoolsScript}; ${runTheirs}`)} ${directory} '`);
  const theirs = commands.postArguments === undefined ? '' : ', SlurpPostArguments';
  return [
    ['+PostCmd', '"/bin/sh"'],
    ['+PostArguments', `strcat(${words}, SlurpPostCmd, "' "${theirs})`],
  ];
}

/** As the starter does: relative to the job's directory. */
const runTheirs = 'shift 3; case $1 in /*) command=$1 ;; *) command=$PWD/$1 ;; esac; shift; exec "$command" "$@"';

/** Under which attribute a command of the rule's own is kept where ours stands in its place. */
export function keptNameOf({ post, postArguments }: StarterCommands, name: string): string {
  if (name === post) return '+SlurpPostCmd';
  return name === postArguments ? '+SlurpPostArguments' : name;
}

function commandOf(when: 'Pre' | 'Post', script: string, words: string): readonly (readonly [string, string])[] {
  return [
    [`+${when}Cmd`, '"/bin/sh"'],
    [`+${when}Arguments`, quoteAttribute(`${splitShellWords(script)}${words}`)],
    // For the paths of the logs, which the job gets.
    [`+${when}Environment`, 'Environment'],
  ];
}

function splitShellWords(script: string): string {
  return `-c '${script}' sh _condor_stdout _condor_stderr`;
}

/** As one word of arguments in condor's new form. */
function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quoteAttribute(text: string): string {
  return `"${text.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`)}"`;
}
