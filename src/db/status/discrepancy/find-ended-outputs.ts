import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/** A live attempt that has ended. */
export interface EndedOutput {
  readonly cupsid: number;
  readonly dstfile: string;
  readonly rule: string;
  /** Absolute paths in which its product may lie; null where they are not known. */
  readonly directories: readonly string[] | null;
}

/** Which attempts to find. */
export interface EndedOutputQuery {
  /** Of this rule only. */
  readonly rule?: string;
  /** The attempt was last heard of longer ago than this. */
  readonly graceSeconds: number;
  /** At most so many. */
  readonly limit: number;
}

/**
 * Finds live attempts that finished without having staged out their product, the latest first. Those whose file waits for
 * the catalog are left out.
 *
 * @throws DatabaseError
 */
export function findFinishedWithoutProduct(
  status: Queryable,
  { rule, graceSeconds, limit }: EndedOutputQuery,
): Promise<readonly EndedOutput[]> {
  return status.query<EndedOutput>(sql`
    select s.id as cupsid, s.dstfile, coalesce(s.rule, s.dsttype) as rule, b.product_directories as directories
    from ${sql.table(status.role, 'production_status')} s
    join ${sql.table(status.role, 'submission')} b on b.uuid = s.submission_id
    where not s.has_product and s.retired_at is null and s.final_state = 'finished'
      and s.last_message < (now() at time zone 'utc') - make_interval(secs => ${graceSeconds})
      and (${rule ?? null}::text is null or s.rule = ${rule ?? null})
      and not exists (
        select from ${sql.table(status.role, 'production_event')} e
        where e.cupsid = s.id and e.kind = 'stageout' and e.applied_at is null and e.apply_note is null)
    order by s.id desc limit ${limit}`);
}

/**
 * Finds live attempts that failed, the latest first.
 *
 * @throws DatabaseError
 */
export function findFailedAttempts(
  status: Queryable,
  { rule, graceSeconds, limit }: EndedOutputQuery,
): Promise<readonly EndedOutput[]> {
  return status.query<EndedOutput>(sql`
    select id as cupsid, dstfile, coalesce(rule, dsttype) as rule, null::text[] as directories
    from ${sql.table(status.role, 'production_status')}
    where final_state = 'failed' and retired_at is null and submission_id is not null
      and last_message < (now() at time zone 'utc') - make_interval(secs => ${graceSeconds})
      and (${rule ?? null}::text is null or rule = ${rule ?? null})
    order by id desc limit ${limit}`);
}

/** Where the search for products continues. */
export interface ProductPage {
  readonly run: number;
  readonly cupsid: number;
}

/**
 * Finds the setups of productions that are alive: a loop runs them, or jobs of them were submitted within so many days.
 *
 * @returns ids of `production_setup`
 * @throws DatabaseError
 */
export async function findLiveSetups(status: Queryable, days: number): Promise<readonly number[]> {
  const rows = await status.query<{ readonly id: number }>(sql`
    select distinct p.prod_id as id
    from ${sql.table(status.role, 'submission')} b
    join ${sql.table(status.role, 'production_status')} p on p.submission_id = b.uuid
    where b.reserved_at > (now() at time zone 'utc') - make_interval(days => ${days})
    union
    select s.id from ${sql.table(status.role, 'production_setup')} s
    join ${sql.table(status.role, 'production_lease')} l
      on (l.dsttype, l.build, l.tag, l.version) = (s.name, s.build, s.dbtag, coalesce(s.revision, 0))
    where l.expires_at > now() at time zone 'utc'`);
  return rows.map(({ id }) => id);
}

/**
 * Finds products of live attempts that finished and staged them out, by run, so that directories of run groups come one
 * after the other.
 *
 * @param after where the page before ended
 * @throws DatabaseError
 */
export function findStagedProducts(
  status: Queryable,
  which: {
    readonly setups: readonly number[];
    readonly rule?: string;
    readonly after: ProductPage;
    readonly limit: number;
  },
): Promise<readonly (ProductPage & Pick<EndedOutput, 'dstfile' | 'rule'>)[]> {
  const { setups, rule, after, limit } = which;
  return status.query(sql`
    select id as cupsid, run, dstfile, coalesce(rule, dsttype) as rule
    from ${sql.table(status.role, 'production_status')}
    where final_state = 'finished' and has_product and retired_at is null
      and prod_id = any (${[...setups]}::int[])
      and (${rule ?? null}::text is null or rule = ${rule ?? null})
      and run >= ${after.run} and (run, id) > (${after.run}, ${after.cupsid})
    order by run, id limit ${limit}`);
}
