import { prepareRule } from '../prepare-rule.ts';
import { checkColumns } from './check-columns.ts';
import { checkQuery } from './check-query.ts';

import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Complainer } from '../complain.ts';
import type { Preparation, PreparedQuery } from '../prepare-rule.ts';
import type { QueryColumns } from './query-columns.ts';

/**
 * Parses the query of a rule, and compares its columns with what the job uses. A dispatch has the database to do both,
 * which knows more: what is an error here is one there.
 */
export async function checkSql(
  rule: Rule,
  options: RunOptions,
  preparation: Preparation,
  complainer: Complainer,
): Promise<void> {
  const draft = preparation.kind === 'prepared' ? preparation.prepared : preparation.draft;
  if (draft === undefined) return;
  const unresolved = preparation.kind === 'prepared' ? [] : preparation.unresolved;
  const columns =
    unresolved.length === 0
      ? await checkWholeSql(rule, options, draft.query, complainer)
      : await checkTornSql(draft.query, unresolved, complainer);
  if (columns !== undefined) checkColumns(draft, columns, complainer);
}

type Finished = Pick<PreparedQuery, 'finished' | 'originOf'>;

/** Parses the query as it is for this selection, and then with every possible condition. */
async function checkWholeSql(
  rule: Rule,
  options: RunOptions,
  query: Finished,
  complainer: Complainer,
): Promise<QueryColumns | undefined> {
  const path = 'input.query';
  const report = await checkQuery(query.finished);
  for (const { offset, ...problem } of report.problems)
    complainer.error({ path, offset: query.originOf(offset), ...problem });
  if (report.problems.length > 0) return report.columns;
  const preparation = prepareRule(rule, { ...options, segments: { kind: 'one', segment: 0 }, limit: 1 });
  const other = preparation.kind === 'prepared' ? preparation.prepared.query : preparation.draft?.query;
  const problems = other === undefined ? [] : (await checkQuery(other.finished)).problems;
  // Without those options it can be dispatched.
  for (const { offset, message, ...problem } of problems) {
    const fullMessage = `${message} (with --segments and --limit)`;
    complainer.warning({ path, offset: other?.originOf(offset) ?? 0, message: fullMessage, ...problem });
  }
  return report.columns;
}

/**
 * Looks at the SQL of a query with unresolved fields: a condition may have been meant, or a value. Only what is wrong
 * either way, at the same place, is reported.
 */
async function checkTornSql(
  query: Finished,
  unresolved: readonly string[],
  complainer: Complainer,
): Promise<QueryColumns | undefined> {
  const withInstead = (fill: string): string =>
    // Of the same length, so that every other character keeps its place.
    unresolved.reduce((sql, field) => sql.replaceAll(field, () => fill.padEnd(field.length)), query.finished);
  const asCondition = await checkQuery(withInstead(''));
  const asValue = await checkQuery(withInstead('1'));
  for (const { offset, ...problem } of asCondition.problems) {
    if (!asValue.problems.some((other) => other.offset === offset)) continue;
    complainer.error({ path: 'input.query', offset: query.originOf(offset), ...problem });
  }
  return asCondition.columns ?? asValue.columns;
}
