/** How pauses grow. */
export interface Backoff {
  /** The first pause; each further one is twice as long. */
  readonly firstMs: number;
  /** No pause is longer, before chance is added; absent: no limit. */
  readonly mostMs?: number;
}

/**
 * Computes how long to wait after a failure before trying again: longer after each, and from half to one and a half
 * times as long at random, so that the many that failed together do not come back together.
 *
 * @param failures in a row, the latest included: 1 or more
 * @returns milliseconds
 */
export function pauseMsOf(failures: number, { firstMs, mostMs = Infinity }: Backoff): number {
  return Math.min(firstMs * 2 ** (failures - 1), mostMs) * (0.5 + Math.random());
}
