import { spawn } from 'node:child_process';

import { present } from './present.ts';

/** The directory, environment, input and time limit of a program; by default those of this process, and no limit. */
export interface RunCommandOptions {
  readonly cwd?: string;
  /** The whole environment of the program; that of this process where absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string;
  /**
   * After this long the program is asked to end (TERM), and a second later made to (KILL); what it has started is not
   * waited for any longer either. No limit where absent.
   */
  readonly timeoutMs?: number;
}

/** How a program ended; exactly one of `exitCode` and `signal` is not null. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** UTF-8; malformed bytes are replaced. */
  readonly stdout: string;
  readonly stderr: string;
  readonly isTimedOut: boolean;
}

const killAfterMs = 1000;

/**
 * Runs a program to its end, without a shell in between, and gathers what it printed.
 *
 * Never throws for an exit code, a signal or a timeout: they are in the result.
 * @throws the error of `node:child_process` (`code` `ENOENT`, `EACCES`, …) if the program cannot be started
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: RunCommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...present({ cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program that ends without reading its input is not an error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');

    let isTimedOut = false;
    let hasEnded = false;
    let killTimer: NodeJS.Timeout | undefined;
    // A grandchild may keep the pipes open for ever: what the program printed up to here is enough.
    const letGo = (): void => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            if (hasEnded) {
              letGo();
              return;
            }
            isTimedOut = true;
            child.kill('SIGTERM');
            killTimer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
          }, options.timeoutMs);

    child.once('error', (error) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      reject(error);
    });
    child.once('exit', () => {
      hasEnded = true;
      clearTimeout(killTimer);
      if (isTimedOut) letGo();
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      resolve({
        exitCode,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
        isTimedOut,
      });
    });
  });
}
