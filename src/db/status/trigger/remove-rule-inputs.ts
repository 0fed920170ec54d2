import { sql } from '../../connect.ts';

import type { LoopIdentity } from '#model/lease.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Removes the inputs that trigger rules in a loop, and its triggered runs; also those of loops that hold no lease any more.
 *
 * @param keptRules rules of the loop that keep theirs; absent: none
 * @throws DatabaseError
 */
export async function removeRuleInputs(
  status: Queryable,
  loop: LoopIdentity,
  keptRules: readonly string[] = [],
): Promise<void> {
  for (const name of ['rule_input', 'triggered_run']) {
    await status.execute(sql`
      delete from ${sql.table(status.role, name)} t
      where (holder = ${loop.uuid} and rule <> all (${keptRules}::text[]))
        or (holder <> ${loop.uuid}
          and not exists (select from ${sql.table(status.role, 'production_lease')} l where l.holder = t.holder))`);
  }
}
