import { setTimeout as sleep } from 'node:timers/promises';

/** A function that is called again and again. */
export interface Repetition {
  /** Ends the waiting, and waits for the call under way. */
  stop(): Promise<void>;
}

/**
 * Calls a function at once and then again and again, never twice at a time; each call returns how long to wait. It does
 * not keep the process alive by itself.
 *
 * @param action returns the milliseconds until it is done again; must not throw
 */
export function startRepeating(action: () => Promise<number>): Repetition {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const pauseMs = await action();
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}
