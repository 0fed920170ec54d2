import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for something, but not for ever. What is late goes on, and its result is ignored.
 *
 * @param boundMs how long it is waited for
 * @param late what is answered (or thrown) instead
 * @throws what the promise or `late` throws
 */
export async function withBound<T>(promise: Promise<T>, boundMs: number, late: () => T): Promise<T> {
  const timer = new AbortController();
  const bound = sleep(boundMs, undefined, { signal: timer.signal }).then(late);
  // The other one has ended: this one is not waited for any more.
  bound.catch(() => undefined);
  try {
    return await Promise.race([promise, bound]);
  } finally {
    timer.abort();
  }
}
