import { sql } from '#db/connect.ts';
import { findOutside } from '#model/row-selection.ts';

import { describeAttempt } from '../explain/describe-attempt.ts';
import { describeOutside } from '../explain/describe-selection.ts';
import { findAttempt } from '../explain/find-attempt.ts';

import type { Statement } from '#db/connect.ts';
import type { RowSelection } from '#model/row-selection.ts';

import type { RowSql } from '../product-sql.ts';
import type { VerdictPart } from './verdict-part.ts';

// A list is written as a case because servers before 15 search the list of '<> all' from its beginning for each row.
function isOutsideSql(number: Statement, selection: NonNullable<RowSelection['runs' | 'segments']>): Statement {
  switch (selection.kind) {
    case 'one':
      return sql`${number} <> ${'run' in selection ? selection.run : selection.segment}::int`;
    case 'range':
      return sql`${number} not between ${selection.first}::int and ${selection.last}::int`;
    case 'list': {
      const wanted = 'runs' in selection ? selection.runs : selection.segments;
      return sql`case when ${number} = any(${wanted}::int[]) then false else ${number} is not null end`;
    }
  }
}

/**
 * The first verdict, in SQL: whether a row was not asked for, by its own run and segment. Not true where they are null.
 *
 * @returns undefined where everything was asked for: then nothing needs to be checked
 * @see model/row-selection.ts, `findOutside`: the same for one row
 */
function isNotSelectedSql(
  { runs, segments }: RowSelection,
  row: Pick<RowSql, 'run' | 'segment'>,
): Statement | undefined {
  const parts = [
    ...(runs === undefined ? [] : [isOutsideSql(row.run, runs)]),
    ...(segments === undefined ? [] : [isOutsideSql(row.segment, segments)]),
  ];
  return parts.length === 0 ? undefined : sql.join(parts, ' or ');
}

/** The row was not asked for (`--runs`, `--runlist`, `--segments`). */
export const notSelected: VerdictPart<'not-selected'> = {
  meaning: 'not selected: outside --runs or --segments',
  early: ({ request }, row) => Promise.resolve(isNotSelectedSql(request.selection, row)),
  findFact: async ({ session, decision }, row) => ({
    outside: findOutside(decision.selection, row),
    attempt: await findAttempt(session, row.cupsid),
  }),
  describe: ({ outside, attempt }, why) => [
    ...(outside === undefined ? [] : [describeOutside(outside)]),
    ...(attempt === undefined ? [] : describeAttempt(attempt, why)),
  ],
};
