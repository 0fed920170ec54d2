import { cursorKeyOf } from '#model/production.ts';
import { assertPresent } from '#util/assert-present.ts';

import { sql } from '../../connect.ts';
import { isOfProductionSql } from '../loop/is-of-production-sql.ts';

import type { ScoutMemory, ScoutMemorySettings } from '#model/policy/scout-memory.ts';
import type { Production } from '#model/production.ts';

import type { Queryable, Session, Statement } from '../../connect.ts';

interface Row extends Pick<ScoutMemory, 'rule' | 'measured' | 'peakMb' | 'memoryMb'> {
  readonly settings: ScoutMemorySettings & { readonly scouts: number };
}

const columns = sql`rule, settings, measured, peak_mb as "peakMb", memory_mb as "memoryMb"`;

function toScoutMemory({ settings, ...row }: Row): ScoutMemory {
  return { ...row, ...settings };
}

function isKeySql(production: Production): Statement {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  return sql`dsttype = ${dsttype} and build = ${build} and tag = ${tag} and version = ${version}`;
}

/**
 * Finds what the jobs of a production request by what its scouts used.
 *
 * @returns undefined: nothing is decided
 * @throws DatabaseError
 */
export async function findScoutMemory(status: Queryable, production: Production): Promise<ScoutMemory | undefined> {
  const [row] = await status.query<Row>(sql`
    select ${columns} from ${sql.table(status.role, 'scout_memory')} where ${isKeySql(production)}`);
  return row === undefined ? undefined : toScoutMemory(row);
}

/**
 * Finds the same of all productions; of several of a rule, the latest last.
 *
 * @throws DatabaseError
 */
export async function findScoutMemories(status: Queryable): Promise<readonly ScoutMemory[]> {
  const rows = await status.query<Row>(sql`
    select ${columns} from ${sql.table(status.role, 'scout_memory')} order by decided_at`);
  return rows.map(toScoutMemory);
}

/**
 * Finds a percentile of the measured peaks of the jobs of a production that finished first: one of the peaks, in MB.
 *
 * @returns `peakMb` null: none was measured
 * @throws DatabaseError
 */
export async function findScoutPeak(
  status: Queryable,
  production: Production,
  { scouts, percentile }: { readonly scouts: number; readonly percentile: number },
): Promise<{ readonly measured: number; readonly peakMb: number | null }> {
  const [row] = await status.query<{ readonly measured: number; readonly peakMb: number | null }>(sql`
    with scout as (
      select nullif(p.memory_mb, 0) as memory_mb from ${sql.table(status.role, 'production_status')} p
      where ${isOfProductionSql(status, production)} and p.final_state = 'finished' order by p.ended, p.id limit ${scouts}
    )
    select count(memory_mb)::int as measured,
           percentile_disc(${percentile / 100}::float8) within group (order by memory_mb) as "peakMb" from scout`);
  return assertPresent(row, 'a percentile');
}

/**
 * Records what the jobs of a production request.
 *
 * @throws DatabaseError
 */
export async function putScoutMemory(
  session: Session,
  production: Production,
  { rule, measured, peakMb, memoryMb, ...settings }: ScoutMemory,
): Promise<void> {
  const { dsttype, build, tag, version } = cursorKeyOf(production);
  await session.execute(sql`
    insert into ${sql.table(session.role, 'scout_memory')}
      (dsttype, build, tag, version, rule, settings, measured, peak_mb, memory_mb)
    values (${dsttype}, ${build}, ${tag}, ${version}, ${rule}, ${JSON.stringify(settings)}::jsonb, ${measured}, ${peakMb}, ${memoryMb})
    on conflict (dsttype, build, tag, version) do update set
      rule = excluded.rule, settings = excluded.settings, measured = excluded.measured, peak_mb = excluded.peak_mb,
      memory_mb = excluded.memory_mb, decided_at = default`);
}
