/**
 * Why a candidate is dispatched or not; the first that applies, in this order.
 *
 * @see docs/deciding.md
 */
export const verdicts = [
  'invalid-run',
  'blocked',
  'exists',
  'duplicate',
  'missing-inputs',
  'over-limit',
  'ready',
] as const;

/** One word of {@link verdicts}. */
export type Verdict = (typeof verdicts)[number];
