import { exitCodeOf } from './exit-codes.ts';
import { checkOutput, watchForLostOutput } from './output.ts';
import { renderError } from './render-error.ts';

/** How a command wants to be stopped by a signal. */
export interface StopWish {
  /** What is said on stderr at the very end. @param isAtOnce a second signal came */
  readonly words: (isAtOnce: boolean) => string;
  /** Nothing that was begun is worth waiting for: the first signal ends the command at once. Default: never. */
  readonly mayEndNow?: () => boolean;
}

/** What a command's main function gets. */
export interface MainContext {
  /** The arguments after the name of the command. */
  readonly argv: readonly string[];
  /** Aborted by the first SIGINT or SIGTERM: stop at the next good place. */
  readonly signal: AbortSignal;
  /** Registers clean-up, run in reverse order however the command ends (but for SIGKILL). */
  onEnd(cleanUp: () => Promise<void> | void): void;
  /** Registers how the command wants to be stopped by a signal; the last one counts. */
  onStop(stop: StopWish): void;
}

/** How a command wants to be run. */
export interface MainOptions {
  /** `leave`: the command handles SIGINT and SIGTERM itself. Default `stop`. */
  readonly signals?: 'stop' | 'leave';
  /** How long the main function may go on after the first signal, and clean-up after that, if at most a minute. Default 10 s. */
  readonly graceMs?: number;
}

const mostCleanUpMs = 60_000;

/** After a second signal, clean-up may take no longer. */
const askedTwiceCleanUpMs = 3000;

/** Clean-up that waits for a database would keep a user waiting who has asked to stop. */
const hurriedCleanUpMs = 500;

const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a command and ends the process: the place that catches everything and sets the exit code.
 *
 * The first SIGINT or SIGTERM aborts `context.signal` and gives the main function `graceMs` to end; it then ends with
 * 130 or 143, whatever was returned. A second one ends at once, after clean-up. Last come the words of `onStop`.
 *
 * @param name begins each line of complaint, e.g. `kaedama`
 * @param main returns the exit code
 * @see docs/exit-codes.md
 */
export async function runMain(
  name: string,
  main: (context: MainContext) => Promise<number>,
  options: MainOptions = {},
): Promise<never> {
  watchForLostOutput();
  const argv = process.argv.slice(2);
  const graceMs = options.graceMs ?? 10_000;
  const controller = new AbortController();
  const cleanUps: (() => Promise<void> | void)[] = [];

  let endedBy: number | undefined;
  let isAskedTwice = false;
  let wish: StopWish | undefined;
  let cleanUpMs = Math.min(graceMs, mostCleanUpMs);
  const stopped = new Promise<number>((resolve) => {
    if (options.signals === 'leave') return;
    const stop = (signal: keyof typeof signalExitCodes): void => {
      if (endedBy !== undefined) {
        isAskedTwice = true;
        cleanUpMs = Math.min(cleanUpMs, askedTwiceCleanUpMs);
        return resolve(endedBy);
      }
      endedBy = signalExitCodes[signal];
      controller.abort();
      if (wish?.mayEndNow?.() === true) {
        cleanUpMs = hurriedCleanUpMs;
        return resolve(endedBy);
      }
      setTimeout(resolve, graceMs, endedBy).unref();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });

  const context = {
    argv,
    signal: controller.signal,
    onEnd: (cleanUp: () => Promise<void> | void) => cleanUps.push(cleanUp),
    onStop: (stop: StopWish) => {
      wish = stop;
    },
  };
  const report = (error: unknown): number => {
    process.stderr.write(renderError(error, name, argv.includes('--debug')));
    return exitCodeOf(error);
  };
  const ended = main(context).catch((error: unknown) => (endedBy === undefined ? report(error) : endedBy));
  let exitCode = await Promise.race([ended, stopped]);
  for (const cleanUp of [...cleanUps.toReversed(), checkOutput]) {
    try {
      await Promise.race([Promise.resolve(cleanUp()), waitMs(cleanUpMs)]);
    } catch (error) {
      const code = report(error);
      if (exitCode === 0) exitCode = code;
    }
  }
  if (endedBy !== undefined && wish !== undefined) process.stderr.write(`${name}: ${wish.words(isAskedTwice)}\n`);
  process.exit(endedBy ?? exitCode);
}

async function waitMs(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
