import { stateOf } from '#db/database-error.ts';

/**
 * Returns whether the database refused a value or broke a constraint (SQLSTATE classes 22 and 23, and 54: too long for
 * an index): the same row will be refused again, others may pass.
 */
export function isPoison(error: unknown): boolean {
  const state = stateOf(error);
  return state !== undefined && /^(?:22|23|54)[0-9A-Z]{3}$/u.test(state);
}
