import { setTimeout as sleep } from 'node:timers/promises';

import { describeError } from '#util/describe-error.ts';
import { pauseMsOf } from '#util/pause-ms.ts';

import { stateOf } from './database-error.ts';

// Failures that pass by themselves: SQLSTATEs and socket codes, with the first pause in ms.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const retryableStates: Readonly<Record<string, number>> = {
  '40001': 20, // serialization_failure
  '40P01': 20, // deadlock_detected
  '55P03': 50, // lock_not_available
  '53300': 500, // too_many_connections
  '57P01': 500, // admin_shutdown
  '57P02': 500, // crash_shutdown
  '57P03': 200, // cannot_connect_now
  '08000': 200,
  '08001': 200,
  '08003': 200,
  '08004': 200,
  '08006': 200,
  ECONNREFUSED: 200,
  ECONNRESET: 200,
  EPIPE: 200,
  ENOENT: 200,
  ETIMEDOUT: 500,
  EAI_AGAIN: 500,
};

/** Returns whether the same call may succeed later. */
export function isRetryable(error: unknown): boolean {
  const state = stateOf(error);
  return state !== undefined && state in retryableStates;
}

/** How often and how loudly {@link withDatabaseRetries} tries. */
export interface RetryOptions {
  /** Calls at most, the first included; 5 by default (about 6 s for a server that is away). */
  readonly attempts?: number;
  /** Told once, before the second try. */
  readonly say?: (message: string) => void;
}

/**
 * Calls `action` until it succeeds, fails with something that does not pass by itself (SQLSTATE or socket code), or was tried often
 * enough. It must be something that may be repeated: a whole transaction, or a statement that reads.
 *
 * @throws what the last try threw
 */
export async function withDatabaseRetries<T>(action: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error;
      if (attempt === 1) options.say?.(`${describeError(error)}; retrying`);
      await sleep(pauseMsOf(attempt, { firstMs: retryableStates[stateOf(error) ?? ''] ?? 200 }));
    }
  }
}
