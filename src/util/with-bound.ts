/**
 * Waits for something, but not for ever. What is late goes on, and its result is ignored.
 *
 * @param boundMs how long it is waited for
 * @param late what is answered (or thrown) instead
 * @throws what the promise or `late` throws
 */
export function withBound<T>(promise: Promise<T>, boundMs: number, late: () => T): Promise<T> {
  // Each request of a job passes here: a timer that can be aborted costs twenty times as much.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, boundMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
