import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** How to start a program that outlives us. */
export interface StartDetachedOptions {
  readonly cwd: string;
  /** The whole environment of the program; that of this process where absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Takes the program's output and errors at its end; made if absent. Without it they are dropped. */
  readonly logFile?: string;
  /** Mode of a file that is created; 0600 by default. */
  readonly logMode?: number;
  /** Takes the errors apart from the output. */
  readonly errorFile?: string;
}

/**
 * Starts a program in a session of its own, with nothing on its standard input, and does not wait for it: it goes on
 * when this process ends, and a Ctrl-C at our terminal does not reach it.
 *
 * @returns its process id, which is also its process group
 * @throws the error of `node:child_process` or `node:fs` (`code` `ENOENT`, `EACCES`, …) if it cannot be started
 */
export function startDetached(file: string, args: readonly string[], options: StartDetachedOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const opened: number[] = [];
    const open = (path: string): number => {
      const handle = openSync(path, 'a', options.logMode ?? 0o600);
      opened.push(handle);
      return handle;
    };
    try {
      const output = options.logFile === undefined ? 'ignore' : open(options.logFile);
      const errors = options.errorFile === undefined ? output : open(options.errorFile);
      const child = spawn(file, args, {
        cwd: options.cwd,
        detached: true,
        stdio: ['ignore', output, errors],
        ...(options.env === undefined ? {} : { env: { ...options.env } }),
      });
      child.once('error', reject);
      child.once('spawn', () => {
        child.unref();
        if (child.pid === undefined) reject(new Error(`'${file}' has no process id`));
        else resolve(child.pid);
      });
    } finally {
      for (const handle of opened) closeSync(handle);
    }
  });
}
