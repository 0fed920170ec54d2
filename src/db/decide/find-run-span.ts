import { sql } from '#db/connect.ts';

import type { Session } from '#db/connect.ts';

/** The span of selected runs that matters for the cursor; both ends are inclusive. */
export interface RunSpan {
  /** The lowest selected run with a candidate that is neither finished nor there already, nor invalid; null: none. */
  readonly lowestOpen: number | null;
  /** The highest selected run with a candidate; null: there are none. */
  readonly highest: number | null;
}

/**
 * Finds how far a production is, from what {@link decide} left in the session.
 *
 * @throws DatabaseError
 */
export async function findRunSpan(session: Session): Promise<RunSpan> {
  const [span] = await session.query<RunSpan>(sql`
    select min(j.run) filter (
        where case
          when j.verdict = 'blocked' then j.state::text <> 'finished'
          when j.verdict is not null then false
          else coalesce(u.verdict, '') <> 'exists'
        end
      ) as "lowestOpen",
      max(j.run) as highest
    from pg_temp.judged j left join pg_temp.undecided u on u.ordinal = j.ordinal
    where j.verdict is null or j.verdict not in ('rejected', 'not-selected')`);
  return span ?? { lowestOpen: null, highest: null };
}
