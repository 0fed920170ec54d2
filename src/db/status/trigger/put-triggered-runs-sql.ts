import { sql } from '../../connect.ts';

import type { Queryable, Statement } from '../../connect.ts';

/** The channel of notifications that runs of a loop's rules were triggered; the payload is the loop's id. */
export const triggerChannel = 'slurp_trigger';

/**
 * Makes the part of a statement that triggers the rules of loops for registered files, and returns `holder`. It does nothing
 * where no loop wants to be triggered.
 *
 * @param registered a table expression with columns `dsttype` and `run`
 */
export function putTriggeredRunsSql({ role }: Queryable, registered: Statement): Statement {
  // In key order: two writers do not deadlock.
  return sql`
    insert into ${sql.table(role, 'triggered_run')} as old (holder, rule, run)
    select distinct i.holder, i.rule, r.run
    from ${registered} r
    join ${sql.table(role, 'rule_input')} i
      on i.name = r.dsttype
      or (i.is_prefix and starts_with(r.dsttype, i.name))
      or starts_with(i.name, r.dsttype || '_')
    order by i.holder, i.rule, r.run
    on conflict (holder, rule, run) do update set arrivals = old.arrivals + 1
    returning holder`;
}
