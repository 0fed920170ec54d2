import { sql } from '../../connect.ts';

import type { LoopIdentity } from '#model/lease.ts';
import type { InputName } from '#model/rule.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Records by which files a rule of a loop wants to be triggered, instead of what was recorded before.
 *
 * @param inputs each once; none: the rule is not triggered
 * @throws DatabaseError
 */
export async function putRuleInputs(
  status: Queryable,
  loop: LoopIdentity,
  rule: string,
  inputs: readonly InputName[],
): Promise<void> {
  const table = sql.table(status.role, 'rule_input');
  const wanted = sql`unnest(${inputs.map(({ name }) => name)}::text[], ${inputs.map(({ isPrefix }) => isPrefix)}::boolean[])
    as w (name, is_prefix)`;
  // Usually nothing has changed, and nothing is written.
  await status.execute(sql`
    with removed as (
      delete from ${table} i where holder = ${loop.uuid} and rule = ${rule}
        and not exists (select from ${wanted} where w.name = i.name and w.is_prefix = i.is_prefix)
    )
    insert into ${table} (holder, rule, name, is_prefix)
    select ${loop.uuid}::uuid, ${rule}::text, w.name, w.is_prefix from ${wanted} on conflict do nothing`);
}
