import { setTimeout as sleep } from 'node:timers/promises';

/** A deed that is done again and again. */
export interface Repetition {
  /** Ends the waiting, and waits for the deed under way. */
  stop(): Promise<void>;
}

/**
 * Does a deed at once and then again and again, never two at a time; each time the deed says how long to wait. It does
 * not keep the process alive by itself.
 *
 * @param deed returns the milliseconds until it is done again; must not throw
 */
export function startRepeating(deed: () => Promise<number>): Repetition {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const pauseMs = await deed();
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
