import { sql } from '../../connect.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** What a removal by a person looks like: HTCondor's reason names the user, and SLURP's the submission. */
const byHand = String.raw`^via condor_rm|^Python-initiated action|\(by user |^Its submission was removed from the queue`;

/**
 * The ended attempts that say something about a rule or a node: rows of `production_status`, as `p`. Left out are those that
 * were retired before they ended (another attempt replaced them, or their submission failed), and those that a person removed.
 *
 * @param condition about `p.ended`, for the index
 */
export function countedEndsSql(
  status: Queryable,
  state: 'failed' | 'finished',
  rules: readonly string[],
  condition: Statement,
): Statement {
  const isNotByHand =
    state === 'finished'
      ? sql`true`
      : sql`not (p.exit_code is null and p.hold_code is null and coalesce(p.message, '') ~ ${byHand})`;
  return sql`
    select p.* from ${sql.table(status.role, 'production_status')} p
    where p.rule = any(${[...rules]}::text[]) and p.final_state = ${state} and ${condition}
      and p.submitted is not null and (p.retired_at is null or p.retired_at >= p.ended) and ${isNotByHand}`;
}
