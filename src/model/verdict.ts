/**
 * Why a candidate is dispatched or not; the first that applies, in this order.
 *
 * @see docs/deciding.md
 */
export const verdicts = [
  'not-selected',
  'invalid-run',
  'blocked',
  'exists',
  'duplicate',
  'missing-inputs',
  'unfit',
  'over-limit',
  'ready',
] as const;

/** One word of {@link verdicts}. */
export type Verdict = (typeof verdicts)[number];

/**
 * What a row of a rule's query may be instead of a candidate: `rejected` (without run, segment or files, so that it
 * names no product) or `repeated` (equal in every column to an earlier row of the same product).
 */
export type RowFault = 'rejected' | 'repeated';
