import { countOf } from '#util/count-of.ts';

import { describeRows, findRows } from './competing-rows.ts';

import type { VerdictPart } from './verdict-part.ts';

/** The row equals an earlier one of the same product in every column; marked with `duplicate`. */
export const repeated: VerdictPart<'repeated'> = {
  meaning: 'repeated: same as an earlier row',
  warn: (_session, count) =>
    Promise.resolve([
      { kind: 'repeated-rows', count, message: `${countOf(count, 'row')} left out: same as an earlier row` },
    ]),
  findFact: async (explaining, { dstfile }) => ({ rows: await findRows(explaining, dstfile) }),
  describe: ({ rows }) => describeRows(rows),
};
