import { blocked } from './blocked.ts';
import { duplicate } from './duplicate.ts';
import { exists } from './exists.ts';
import { invalidRun } from './invalid-run.ts';
import { missingInputs } from './missing-inputs.ts';
import { notSelected } from './not-selected.ts';
import { overLimit } from './over-limit.ts';
import { ready } from './ready.ts';
import { rejected } from './rejected.ts';
import { repeated } from './repeated.ts';
import { unfit } from './unfit.ts';

import type { FactOf, VerdictFact } from '#model/report/verdict-fact.ts';
import type { ExplainedRow, Why } from '#model/report/why.ts';
import type { Fate } from '#model/verdict.ts';

import type { Explaining, FateRow, VerdictPart } from './verdict-part.ts';

/** Everything about each verdict and fault of a row, by its name; applied in the order of `fates`. */
export const verdictParts: { readonly [Name in Fate]: VerdictPart<Name> } = {
  'not-selected': notSelected,
  rejected,
  'invalid-run': invalidRun,
  blocked,
  exists,
  repeated,
  duplicate,
  'missing-inputs': missingInputs,
  unfit,
  'over-limit': overLimit,
  ready,
};

/** Finds the fact behind the verdict of a row. @throws DatabaseError */
export async function findFact(explaining: Explaining, row: FateRow): Promise<VerdictFact> {
  return findFactOf(row.fate, explaining, row);
}

async function findFactOf<Name extends Fate>(
  fate: Name,
  explaining: Explaining,
  row: FateRow,
): Promise<VerdictFact<Name>> {
  const fact: FactOf<Name> = await verdictParts[fate].findFact(explaining, row);
  return { fate, ...fact };
}

/** Describes the fact behind a verdict in lines. */
export function describeFact<Name extends Fate>(
  fact: VerdictFact<Name>,
  why: Why,
  row: Pick<ExplainedRow, 'dstfile'>,
): readonly string[] {
  return verdictParts[fact.fate].describe(fact, why, row);
}
