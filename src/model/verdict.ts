/**
 * What becomes of a row of a rule's query: the first that applies, in this order.
 *
 * @see docs/deciding.md, db/decide/verdicts: a file for each
 */
export const fates = [
  'not-selected',
  'rejected',
  'invalid-run',
  'blocked',
  'exists',
  'repeated',
  'duplicate',
  'missing-inputs',
  'unfit',
  'over-limit',
  'ready',
] as const;

/** The name of a fate: a verdict, or a reason that a row never became a candidate. */
export type Fate = (typeof fates)[number];

/**
 * What a row may be instead of a candidate: `rejected` (without run, segment or files, so that it names no product) or
 * `repeated` (equal in every column to an earlier row of the same product).
 */
export type RowFault = Extract<Fate, 'rejected' | 'repeated'>;

/** Why a candidate is dispatched or not. */
export type Verdict = Exclude<Fate, RowFault>;

/** All verdicts, in the order of {@link fates}. */
export const verdicts: readonly Verdict[] = fates.filter(
  (fate): fate is Verdict => fate !== 'rejected' && fate !== 'repeated',
);
