import { cursorKeyOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { LoopIdentity } from '#model/lease.ts';
import type { Production } from '#model/production.ts';
import type { PassRecord } from '#model/report/loop-status.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Records the result of a turn.
 *
 * @param production absent where the rule could not be read
 * @throws DatabaseError
 */
export async function recordPass(
  status: Queryable,
  loop: LoopIdentity,
  pass: Omit<PassRecord, 'endedAt'>,
  production: Production | undefined,
): Promise<void> {
  const key = production === undefined ? undefined : cursorKeyOf(production);
  await status.execute(sql`
    insert into ${sql.table(status.role, 'production_pass')}
      (holder, held_by, rule, config, dsttype, build, tag, version, started_at, outcome, reason, gauge, funnel, submitted,
       next_at, runs)
    values (${loop.uuid}, ${loop.name}, ${pass.rule}, ${pass.config}, ${key?.dsttype ?? null}, ${key?.build ?? null},
            ${key?.tag ?? null}, ${key?.version ?? null}, ${new Date(pass.startedAt)}, ${pass.outcome},
            ${pass.reason ?? null}, ${pass.gauge === undefined ? null : JSON.stringify(pass.gauge)}::jsonb,
            ${pass.funnel === undefined ? null : JSON.stringify(pass.funnel)}::jsonb, ${pass.submitted},
            ${pass.nextAt === undefined ? null : new Date(pass.nextAt)}, ${pass.runs ?? null})`);
}

/**
 * Removes the records of turns that ended more than `days` days ago, except the last one of each rule.
 *
 * @throws DatabaseError
 */
export async function removeOldPasses(status: Queryable, days: number): Promise<number> {
  const passes = sql.table(status.role, 'production_pass');
  return status.execute(sql`
    delete from ${passes} old
    where ended_at < (now() at time zone 'utc') - make_interval(days => ${days})
      and exists (select from ${passes} newer where newer.rule = old.rule and newer.id > old.id)`);
}
