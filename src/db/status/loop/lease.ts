import { SiteError } from '#model/errors.ts';
import { cursorKeyOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { Lease, LoopIdentity } from '#model/lease.ts';
import type { Production } from '#model/production.ts';

import type { Queryable, Session } from '../../connect.ts';
import type { Statement } from '../../sql.ts';

/** The answer to a request for a lease. */
export type LeaseAnswer =
  | { readonly kind: 'taken'; readonly lease: Lease }
  /** Another loop has it for at least `leftMs` more. */
  | { readonly kind: 'held'; readonly by: string; readonly process: number; readonly leftMs: number };

function conditionOf(production: Production): Statement {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  return sql`dsttype = ${dsttype} and build = ${build} and tag = ${tag} and version = ${version}`;
}

/**
 * Takes the lease of a production, or renews it if this loop has it. An expired lease can be taken by any loop. Times are
 * those of the database's clock.
 *
 * @param lastsMs how long it is valid unless it is renewed
 * @throws DatabaseError
 */
export async function claimLease(
  status: Queryable,
  { production, rule }: { readonly production: Production; readonly rule: string },
  loop: LoopIdentity,
  lastsMs: number,
): Promise<LeaseAnswer> {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  const leases = sql.table(status.role, 'production_lease');
  const expiry = sql`(now() at time zone 'utc') + make_interval(secs => ${lastsMs / 1000})`;
  const [taken] = await status.query<{ readonly fence: number }>(sql`
    insert into ${leases} as old (dsttype, build, tag, version, rule, holder, held_by, process, expires_at)
    values (${dsttype}, ${build}, ${tag}, ${version}, ${rule}, ${loop.uuid}, ${loop.name}, ${loop.process}, ${expiry})
    on conflict (dsttype, build, tag, version) do update set
      rule = excluded.rule, holder = excluded.holder, held_by = excluded.held_by, process = excluded.process,
      expires_at = excluded.expires_at,
      fence = case when old.holder = excluded.holder then old.fence else excluded.fence end,
      taken_at = case when old.holder = excluded.holder then old.taken_at else excluded.taken_at end
    where old.holder = excluded.holder or old.expires_at <= now() at time zone 'utc'
    returning fence`);
  if (taken !== undefined) {
    // If the rule was edited to make another production, other loops may take the former one.
    await status.execute(sql`
      delete from ${leases} where holder = ${loop.uuid} and rule = ${rule} and not (${conditionOf(production)})`);
    return { kind: 'taken', lease: { production, holder: loop.uuid, fence: taken.fence } };
  }
  const [held] = await status.query<{ readonly by: string; readonly process: number; readonly leftMs: number }>(sql`
    select held_by as by, process,
           greatest(0, extract(epoch from expires_at - (now() at time zone 'utc')) * 1000)::int as "leftMs"
    from ${leases} where ${conditionOf(production)}`);
  // It may have been given back between the two statements: then it is free in the next cycle.
  return { kind: 'held', ...(held ?? { by: 'another loop', process: 0, leftMs: 0 }) };
}

/**
 * Renews the leases that a loop still holds.
 *
 * @throws DatabaseError
 */
export async function ensureLeases(status: Queryable, loop: LoopIdentity, lastsMs: number): Promise<number> {
  return status.execute(sql`
    update ${sql.table(status.role, 'production_lease')}
    set expires_at = (now() at time zone 'utc') + make_interval(secs => ${lastsMs / 1000})
    where holder = ${loop.uuid}`);
}

/**
 * Gives leases of a loop back.
 *
 * @param keptRules names of rules whose leases are kept; absent: none
 * @throws DatabaseError
 */
export async function removeLeases(
  status: Queryable,
  loop: LoopIdentity,
  keptRules: readonly string[] = [],
): Promise<number> {
  return status.execute(sql`
    delete from ${sql.table(status.role, 'production_lease')}
    where holder = ${loop.uuid} and rule <> all (${keptRules}::text[])`);
}

/**
 * Checks that a lease is still held, and keeps other loops from taking it until the caller's transaction ends.
 *
 * @throws SiteError `lease-lost` where another loop has taken it
 */
export async function assertLease(session: Session, { production, holder, fence }: Lease): Promise<void> {
  const [found] = await session.query(sql`
    select from ${sql.table(session.role, 'production_lease')}
    where ${conditionOf(production)} and holder = ${holder} and fence = ${fence} for share`);
  if (found !== undefined) return;
  const [other] = await session.query<{ readonly by: string }>(sql`
    select held_by as by from ${sql.table(session.role, 'production_lease')} where ${conditionOf(production)}`);
  const by = other === undefined ? 'another loop' : `the loop of ${other.by}`;
  throw new SiteError(`The lease of this loop expired, and ${by} has taken its production`, {
    code: 'lease-lost',
    advice: 'The other loop finishes what was begun; this loop asks for the lease again in its next cycle',
  });
}
