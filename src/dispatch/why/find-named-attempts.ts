import type { BlockingAttempt } from '#model/report/verdict-fact.ts';
import type { ExplainedRow } from '#model/report/why.ts';

/** Finds the cupsids of all attempts that an answer names. @param attempts beside those of the rows */
export function findNamedAttempts(
  rows: readonly ExplainedRow[],
  attempts: readonly BlockingAttempt[],
): readonly number[] {
  return [...rows.flatMap(attemptsOf), ...attempts].map(({ id }) => id);
}

function attemptsOf({ fact }: ExplainedRow): readonly BlockingAttempt[] {
  if (fact.fate === 'ready') return fact.replaces === undefined ? [] : [fact.replaces];
  if (fact.fate !== 'blocked' && fact.fate !== 'not-selected') return [];
  return fact.attempt === undefined ? [] : [fact.attempt];
}
