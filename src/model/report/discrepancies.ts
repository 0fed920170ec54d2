/**
 * In what the row of an attempt differs from batch system, catalog or disk, although the attempt has ended:
 * `still-running` (its end is reported, its job runs), `output-missing` (it finished, and its product is neither in the
 * catalog nor on disk), `output-of-failed` (it failed, and the catalog has its product), `file-gone` (the catalog has a
 * file that is not on disk).
 */
export const discrepancyKinds = ['still-running', 'output-missing', 'output-of-failed', 'file-gone'] as const;

/** One of {@link discrepancyKinds}. */
export type DiscrepancyKind = (typeof discrepancyKinds)[number];

/** A discrepancy of one live attempt. */
export interface Discrepancy {
  readonly kind: DiscrepancyKind;
  readonly cupsid: number;
  readonly dstfile: string;
  /** The name of its rule; of attempts of an older system their dsttype. */
  readonly rule: string;
  /** What was found, a phrase: a path, a job, a state. */
  readonly detail: string;
}

/** The discrepancies of one kind and rule. */
export interface DiscrepancyGroup {
  readonly kind: DiscrepancyKind;
  readonly rule: string;
  readonly count: number;
  /** The first of them, at most {@link shownOfGroup}. */
  readonly examples: readonly Pick<Discrepancy, 'cupsid' | 'dstfile' | 'detail'>[];
}

/** So many discrepancies of one kind and rule are named; all are counted. */
export const shownOfGroup = 20;

/** What was found of attempts that have ended. */
export interface Discrepancies {
  /** By kind, then by rule. */
  readonly groups: readonly DiscrepancyGroup[];
  /** Kinds that were looked for: the files on disk are not looked for each time. */
  readonly checked: readonly DiscrepancyKind[];
  /** Of what something is unknown, so that nothing found says nothing; without a rule: of all rules. */
  readonly uncertain: readonly { readonly kind: DiscrepancyKind; readonly rule?: string }[];
  /** Why, with the number of jobs or files of which nothing is known for that reason. */
  readonly unknown: readonly { readonly why: string; readonly count: number }[];
  /** Files that seem to be gone, too many at once to be believed. */
  readonly disbelieved: readonly { readonly where: string; readonly gone: number; readonly looked: number }[];
}
