import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';
import { runCommand } from '#util/run-command.ts';

/** How a condor command ended. Nothing is known of what a killed one has done; a missing one did nothing. */
export type CondorResult =
  | { readonly kind: 'ended'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  /** The command is not installed, or cannot be started: it did nothing. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** It was killed: by us after the time allowed, or by another process. It may have done its work or not. */
  | { readonly kind: 'killed'; readonly reason: string };

/** Between TERM and KILL. */
const graceMs = 1000;

/**
 * Runs one of condor's commands, in time: `timeout` stands in between, so that the command ends even if this process is
 * killed meanwhile. Never throws.
 *
 * @returns after the command has ended, also where it was killed
 */
export async function runCondor(
  command: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly cwd?: string },
): Promise<CondorResult> {
  const { timeoutMs, cwd } = options;
  const seconds = String(Math.max(0.001, timeoutMs / 1000));
  try {
    const result = await runCommand('timeout', [`--kill-after=${graceMs / 1000}`, seconds, command, ...args], {
      timeoutMs: timeoutMs + 3 * graceMs,
      ...present({ cwd }),
    });
    const { exitCode, signal, stdout, stderr } = result;
    if (result.isTimedOut || exitCode === 124 || exitCode === 137 || signal !== null || exitCode === null) {
      const how = signal === null || result.isTimedOut ? `did not end within ${seconds} s` : `was killed by ${signal}`;
      return { kind: 'killed', reason: `'${command}' ${how}${suffixOf(stderr)}` };
    }
    if (exitCode === 126 || exitCode === 127) {
      return { kind: 'missing', reason: `'${command}' cannot be started: is HTCondor installed and on the PATH?` };
    }
    return { kind: 'ended', exitCode, stdout, stderr };
  } catch (error) {
    return { kind: 'missing', reason: `'${command}' cannot be started: ${describeError(error, command)}` };
  }
}

/** How long a command may go on after its time: nothing of it comes later. */
export const settleAfterMs = 3 * graceMs;

function suffixOf(stderr: string): string {
  const text = condorMessageOf(stderr);
  return text === '' ? '' : `: ${text}`;
}

/**
 * Condor's own words, in one line of bearable length: without warnings, blank lines, and the paragraphs `Extra Info`, which
 * explain at length how to set up a pool.
 */
export function condorMessageOf(stderr: string): string {
  const lines = stderr
    .replaceAll(/^Extra Info:[^]*?(?:\n\s*\n|$(?![^]))/gimu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^WARNING\b/iu.test(line));
  const text = [...new Set(lines)].join(' ');
  return text.length > 1500 ? `${text.slice(0, 1500)}…` : text;
}
