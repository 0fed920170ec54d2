import { discrepancyKinds, shownOfGroup } from '#model/report/discrepancies.ts';
import { present } from '#util/present.ts';

import { findGoneFiles } from './find-gone-files.ts';
import { findMissingOutputs, findOutputsOfFailed } from './find-output-discrepancies.ts';
import { findRunningEnded } from './find-running-ended.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Discrepancies, Discrepancy, DiscrepancyGroup, DiscrepancyKind } from '#model/report/discrepancies.ts';

import type { Found } from './find-running-ended.ts';

/** The inputs of {@link findDiscrepancies}. */
export interface DiscrepanciesInput {
  readonly status: Database;
  readonly catalog: Database;
  readonly backend: BatchBackend;
  /** Attempts of this rule only. */
  readonly rule?: string;
  /** Whether files are looked for on disk, which takes longest. */
  readonly isDiskChecked: boolean;
  /** A person has confirmed that most files are gone. */
  readonly isMassAllowed?: boolean;
  /** By default {@link usualGraceMs}. */
  readonly graceMs?: number;
  /** Aborted: the rest is unknown. */
  readonly signal?: AbortSignal;
}

/** What follows the report of an end (logs, the catalog) is done by then. */
const usualGraceMs = 10 * 60_000;

/**
 * Finds in what the rows of attempts that have ended differ from the batch system, the catalog and the disk. Changes
 * nothing: none of this can be corrected without a person. What is unknown is said, and is no discrepancy.
 *
 * @throws DatabaseError
 * @see docs/reconcile.md
 */
export async function findDiscrepancies(input: DiscrepanciesInput): Promise<Discrepancies> {
  const graceMs = input.graceMs ?? usualGraceMs;
  const certain = { unknown: [], uncertainRules: new Set<string>() };
  const parts: (Found & { readonly kind: DiscrepancyKind })[] = [
    { kind: 'still-running', ...(await findRunningEnded(input, graceMs)) },
    { kind: 'output-missing', ...(await findMissingOutputs(input, graceMs)) },
    { kind: 'output-of-failed', found: await findOutputsOfFailed(input, graceMs), ...certain },
  ];
  let disbelieved: Discrepancies['disbelieved'] = [];
  if (input.isDiskChecked) {
    const { status, catalog, isMassAllowed = false } = input;
    const { rule, signal } = input;
    const files = await findGoneFiles({ status, catalog, isMassAllowed, ...present({ rule, signal }) });
    disbelieved = files.disbelieved;
    parts.push({ kind: 'file-gone', ...files });
  }
  return {
    groups: makeGroups(parts.flatMap(({ found }) => found)),
    checked: parts.map(({ kind }) => kind),
    uncertain: parts.flatMap(({ kind, uncertainRules }) =>
      uncertainRules === 'all' ? [{ kind }] : [...uncertainRules].map((rule) => ({ kind, rule })),
    ),
    unknown: parts.flatMap(({ unknown }) => unknown),
    disbelieved,
  };
}

function makeGroups(found: readonly Discrepancy[]): readonly DiscrepancyGroup[] {
  return discrepancyKinds.flatMap((kind) => {
    const ofKind = found.filter((one) => one.kind === kind);
    const rules = [...new Set(ofKind.map(({ rule }) => rule))].toSorted();
    return rules.map((rule) => {
      const ofRule = ofKind.filter((one) => one.rule === rule);
      const examples = ofRule
        .slice(0, shownOfGroup)
        .map(({ cupsid, dstfile, detail }) => ({ cupsid, dstfile, detail }));
      return { kind, rule, count: ofRule.length, examples };
    });
  });
}
