import { setTimeout as sleep } from 'node:timers/promises';

/** How long and how often {@link waitUntil} looks. */
export interface WaitOptions {
  readonly timeoutMs: number;
  /** Time between two looks; 20 by default. */
  readonly everyMs?: number;
}

/**
 * Looks again and again until something is there.
 *
 * @returns what `look` found, or undefined when the time is over
 * @throws what `look` throws
 */
export async function waitUntil<T>(
  look: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T | undefined> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() >= end) return undefined;
    await sleep(options.everyMs ?? 20);
  }
}
