import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';

import type { VerdictPart } from './verdict-part.ts';

/** Behind the limit (`--limit`, `--maxjobs`): what is left when everything else is decided. */
export const overLimit: VerdictPart<'over-limit'> = {
  meaning: 'over the limit',
  findFact: async ({ session }, { ordinal }) => {
    const [before] = await session.query<{ count: number }>(
      sql`select count(*)::int as count from pg_temp.ready where ordinal < ${ordinal}`,
    );
    return { readyBefore: assertPresent(before, 'a count').count };
  },
  describe: ({ readyBefore }, why) => [
    `${countOf(readyBefore, 'ready job')} before it, and the limit is ${formatCount(assertPresent(why.cap, 'the limit'))}`,
  ],
};
