import { findRunSpan } from '#db/decide/find-run-span.ts';

import type { CursorMove } from '#db/status/cursor/move-cursor.ts';
import type { Production } from '#model/production.ts';

import type { Plan } from './plan-rule.ts';

/** What the operator asked the cursor to do. */
export type CursorWish =
  /** To the lowest run of the range that is not finished. */
  | { readonly kind: 'advance' }
  /** To the highest run that is reserved. */
  | { readonly kind: 'ratchet' }
  /** To this run, also backwards. */
  | { readonly kind: 'set'; readonly run: number };

/** What is written when the attempts are reserved. */
export type CursorOrder =
  { readonly kind: 'ratchet'; readonly production: Production } | { readonly kind: 'move'; readonly move: CursorMove };

/**
 * Finds out where the cursor is to go, as far as that is known before anything is reserved.
 *
 * @returns a reason where it has to stay
 * @throws DatabaseError
 */
export async function decideCursorOrder(
  plan: Plan,
  wish: CursorWish,
): Promise<
  { readonly kind: 'order'; readonly order: CursorOrder } | { readonly kind: 'stays'; readonly reason: string }
> {
  const { production } = plan.prepared.names;
  if (wish.kind === 'ratchet') return { kind: 'order', order: { kind: 'ratchet', production } };
  if (wish.kind === 'set') {
    return { kind: 'order', order: { kind: 'move', move: { production, run: wish.run, kind: 'set' } } };
  }
  const { limit } = plan.prepared.options;
  if (limit > 0 && plan.funnel.rows >= limit) {
    return { kind: 'stays', reason: `'--limit ${limit}' cuts off rows of the query, perhaps of lower runs` };
  }
  const { lowestOpen, highest } = await findRunSpan(plan.session);
  const run = lowestOpen ?? highest;
  return run === null
    ? { kind: 'stays', reason: 'the query returns no run' }
    : { kind: 'order', order: { kind: 'move', move: { production, run, kind: 'forward' } } };
}
