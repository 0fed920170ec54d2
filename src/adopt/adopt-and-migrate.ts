import { findPendingMigrations, migrate, planMigration, readMigrationNames } from '#db/migrate.ts';
import { findApplied, withSnapshot, withTablesLocked } from '#db/migration-bookkeeping.ts';
import { present } from '#util/present.ts';

import { adoptCatalog, describeCatalog, findOriginalCatalog } from './adopt-catalog.ts';
import { adoptStatus, findOriginalStatus, planAdoption } from './adopt-status.ts';
import { isOfEarlierVersion, migrateEarlier } from './earlier-version.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Adoption, MigrationReport } from '#model/report/migration.ts';
import type { Role } from '#model/site.ts';

import type { OriginalCatalog } from './adopt-catalog.ts';
import type { OriginalStatus } from './adopt-status.ts';

/** How {@link adoptAndMigrate} reports, and how long it waits. */
export interface AdoptAndMigrateOptions {
  /** Called with each phase as it begins. */
  readonly reportPhase?: (phase: string) => void;
  /** How long to wait for tables that others use, before they are adopted; 20 s by default. */
  readonly lockTimeoutMs?: number;
}

/** Where the tables of a role come from, as far as there is something to adopt. */
type Origin =
  | { readonly kind: 'ours' }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'status'; readonly original: OriginalStatus }
  | { readonly kind: 'catalog'; readonly original: OriginalCatalog };

async function findOrigin(ask: Ask, role: Role): Promise<Origin> {
  if (await isOfEarlierVersion(ask, role)) return { kind: 'earlier' };
  if ((await findApplied(ask, role)).length > 0) return { kind: 'ours' };
  if (role.role === 'status') {
    const original = await findOriginalStatus(ask, role);
    if (original !== undefined) return { kind: 'status', original };
  }
  if (role.role === 'catalog') {
    const original = await findOriginalCatalog(ask, role);
    if (original !== undefined) return { kind: 'catalog', original };
  }
  return { kind: 'ours' };
}

/**
 * Adopts what is to be adopted, then brings the tables up to date as `migrate` of `db/` does. Tables of a production by
 * the original are adopted in place, in the transaction of the migrations; a file catalog gets what SLURP lacks in it,
 * and no bookkeeping of SLURP. Two at once are safe.
 *
 * Other rooms import this file only, in two places. To delete the room, call the three functions of `db/migrate.ts` there,
 * and remove the directories `adopt` and `earlier` of `sql/`.
 *
 * @throws DatabaseError; then nothing has changed
 * @see docs/adopt.md
 */
export async function adoptAndMigrate(
  role: Role,
  sqlDirectory: string,
  { reportPhase = () => undefined, lockTimeoutMs = 20_000 }: AdoptAndMigrateOptions = {},
): Promise<MigrationReport> {
  const { kind } = await withSnapshot(role, (ask) => findOrigin(ask, role));
  let adoption: Adoption | undefined;
  if (kind === 'catalog') {
    adoption = await withTablesLocked(role, (ask) => adoptCatalog(ask, role, sqlDirectory, reportPhase));
    return { role: role.role, applied: [], isForeign: true, ...present({ adoption }) };
  }
  if (role.role !== 'status') return migrate(role, sqlDirectory);
  const renamed = kind === 'earlier' ? await migrateEarlier(role, sqlDirectory) : [];
  const report = await migrate(role, sqlDirectory, async (ask) => {
    adoption = await adoptStatus(ask, role, sqlDirectory, { reportPhase, lockTimeoutMs });
    return adoption !== undefined;
  });
  return {
    ...report,
    applied: [...renamed, ...report.applied],
    ...(renamed.length === 0 ? {} : { isAdoptedAgain: true }),
    ...present({ adoption }),
  };
}

async function planAdoptionOf(ask: Ask, role: Role, origin: Origin): Promise<Adoption | undefined> {
  if (origin.kind === 'status') return planAdoption(ask, role, origin.original);
  if (origin.kind !== 'catalog') return undefined;
  const isComplete = origin.original.missing.length + origin.original.changes.length === 0;
  return isComplete ? undefined : describeCatalog(ask, role, origin.original);
}

/**
 * Reports what {@link adoptAndMigrate} would do now; changes nothing, and takes no locks.
 *
 * @throws DatabaseError as {@link adoptAndMigrate} would, as far as it can be seen
 */
export async function planAdoptAndMigrate(role: Role, sqlDirectory: string): Promise<MigrationReport> {
  const { kind, adoption } = await withSnapshot(role, async (ask) => {
    const origin = await findOrigin(ask, role);
    return { kind: origin.kind, adoption: await planAdoptionOf(ask, role, origin) };
  });
  if (kind === 'ours') return planMigration(role, sqlDirectory);
  return {
    role: role.role,
    applied: kind === 'catalog' ? [] : await readMigrationNames(role, sqlDirectory),
    isForeign: kind === 'catalog',
    ...(kind === 'earlier' ? { isAdoptedAgain: true } : {}),
    ...present({ adoption }),
  };
}

/**
 * Reports which migrations of a role have not run yet, also of tables that {@link adoptAndMigrate} would adopt again;
 * changes nothing.
 *
 * @throws DatabaseError
 */
export async function findPendingWithAdoption(role: Role, sqlDirectory: string): Promise<readonly string[]> {
  const isEarlier = await withSnapshot(role, (ask) => isOfEarlierVersion(ask, role));
  return isEarlier ? readMigrationNames(role, sqlDirectory) : findPendingMigrations(role, sqlDirectory);
}
